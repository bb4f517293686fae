"""What a builder hands on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

BOX_ENCODINGS = "raw_outputs/box_encodings"
CLASS_SCORES = "raw_outputs/class_predictions"
CLASS_LOGITS = "class_predictions_with_background"
"""The heads, by the names that the OD API's own TFLite exporter gives them."""


@dataclass(frozen=True, eq=False)
class Built:
    """A network with its weights.

    Attributes:
        graph_def: from the placeholder `trim.INPUT` to `BOX_ENCODINGS`, `CLASS_SCORES` and `CLASS_LOGITS`.
        maps: (rows, columns) of each feature map.
        parameters: trained numbers, without moving statistics.
        macs: multiplications with addition of its convolutions.
    """

    graph_def: Any
    maps: tuple[tuple[int, int], ...]
    parameters: int
    macs: int
