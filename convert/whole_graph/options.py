"""The options of a conversion by tf2onnx."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class WholeGraphOptions:
    """How a whole graph is converted.

    Attributes:
        opset: the version of the operator set.
        size: (height, width) of images whose size the graph leaves open.
        outputs: the names of its outputs; empty for those that the source names, else for what no node reads.
        images: on which both are run; empty for seeded noise.
        tolerance: the largest difference of an output, relative to its largest value if that is over 1.
    """

    opset: int
    size: tuple[int, int] | None = None
    outputs: tuple[str, ...] = ()
    images: tuple[Path, ...] = ()
    tolerance: float = 1e-3
