"""Facts and settings from the user, for what a source does not contain."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from detlite.runtime.boxes.nms import Nms


@dataclass(frozen=True)
class NmsOptions:
    """NMS settings from the user; None keeps the source's or detlite's default."""

    kind: str | None = None
    score_threshold: float | None = None
    iou_threshold: float | None = None
    max_detections: int | None = None
    max_classes_per_detection: int | None = None

    def over(self, nms: Nms) -> Nms:
        """Return *nms* with these settings applied."""
        return replace(nms, **{name: value for name, value in vars(self).items() if value is not None})


@dataclass(frozen=True)
class DetectorOptions:
    """Facts from the user that a source does not contain.

    Attributes:
        input_size: (height, width) for a graph that takes any size.
        labels: a label file.
        nms: settings that override the source's.
        logits: whether the class head is cut before the score converter.
        repair: whether the graph is repaired; False shows the cost of not repairing it.
        max_proposals: the most regions that a two-stage detector looks at; None for the exporter's default.
        as_exported: whether NMS is set like the OD API's TFLite exporter does, when a config is rebuilt.
    """

    input_size: tuple[int, int] | None = None
    labels: Path | None = None
    nms: NmsOptions = field(default_factory=NmsOptions)
    logits: bool = False
    repair: bool = True
    max_proposals: int | None = None
    as_exported: bool = False
