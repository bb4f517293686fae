"""The result of building a network, and the names of its outputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

BOX_ENCODINGS = "raw_outputs/box_encodings"
CLASS_SCORES = "raw_outputs/class_predictions"
CLASS_LOGITS = "class_predictions_with_background"
"""The names of the heads, which are those of the OD API's TFLite exporter."""


@dataclass(frozen=True)
class BuiltState:
    """A float32 state of a network: the name of its placeholder, its shape, and the tensor that follows it."""

    name: str
    shape: tuple[int, ...]
    following: str


@dataclass(frozen=True, eq=False)
class BuiltNetwork:
    """A network with its weights.

    Attributes:
        graph_def: `GraphDef` from the placeholder `trim.INPUT` to the outputs of its architecture; most
            detectors have `BOX_ENCODINGS`, `CLASS_SCORES` and `CLASS_LOGITS`.
        maps: (rows, columns) of each feature map.
        parameters: number of trained parameters, without moving statistics.
        macs: multiply-accumulates of its convolutions.
        macs_by_stage: the same of each of several stages, by what the stage is for.
        states: what it carries from frame to frame.
        is_frozen: see `FloatGraph`.
        keeps_aspect: whether images are padded, not stretched, where the config's resizer keeps their aspect ratio.
        embedding_width: numbers of the features of a detection; 0 of a network that returns none.
    """

    graph_def: Any
    maps: tuple[tuple[int, int], ...]
    parameters: int
    macs: int
    macs_by_stage: Mapping[str, int] = field(default_factory=dict)
    states: tuple[BuiltState, ...] = ()
    keeps_aspect: bool = False
    embedding_width: int = 0
    is_frozen: bool = False
