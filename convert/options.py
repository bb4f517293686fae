"""Facts and settings from the user, for what a source does not contain."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from detlite.runtime.errors import InputError

if TYPE_CHECKING:
    from detlite.runtime.boxes.nms import Nms


STATED_OPTIONS = (
    "--mean, --std, --colour, --anchors, --box-order, --box-scales, --box-sizes, --score-converter and named heads"
)
"""The options that become `StatedFacts`."""


@dataclass(frozen=True)
class NmsOptions:
    """NMS settings from the user; None keeps the source's or detlite's default."""

    kind: str | None = None
    score_threshold: float | None = None
    iou_threshold: float | None = None
    max_detections: int | None = None
    max_classes_per_detection: int | None = None

    def over(self, nms: Nms) -> Nms:
        """Return *nms* with these settings applied.

        Raises:
            InputError: they are of suppression, and *nms* takes peaks, which suppresses nothing; or they ask for
                several classes of a box, which only fast suppression returns.
        """
        suppression = (self.kind, self.iou_threshold, self.max_classes_per_detection)
        if nms.kind == "peaks" and any(value is not None for value in suppression):
            raise InputError(
                "a CenterNet finds its boxes as peaks, not by suppression: leave out --nms, --iou and "
                "--classes-per-detection"
            )
        found = replace(nms, **{name: value for name, value in vars(self).items() if value is not None})
        if found.kind != "fast" and (self.max_classes_per_detection or 1) > 1:
            raise InputError(
                f"--classes-per-detection {self.max_classes_per_detection} is for fast NMS, and this model's is "
                f"{found.kind}: leave it out, or add --nms fast"
            )
        return found


@dataclass(frozen=True)
class StatedFacts:
    """Facts from the user about a file with raw heads, an .onnx or a finished .tflite; None for what it tells itself.

    Attributes:
        heads: the names of the tensors of the box encodings and of the class scores; of a .tflite, those of several
            levels with + between them.
        mean: one number, or one for each channel: the network reads (pixel - mean) / std, with pixels in 0..255.
        std: see *mean*.
        colour: RGB or BGR, the order of its channels.
        anchors: a .npy file with (y centre, x centre, height, width) of each anchor.
        box_order: the order of the box encodings, `yxhw` or `xywh`.
        box_scales: of the encodings, (y, x, height, width): y = ty / scale * height of the anchor + its y.
        box_sizes: how sizes are encoded: `log`, SSD's logarithms, or `linear`, as BlazeFace has them; None for `log`.
        score_converter: what the host makes scores of the model's class scores with: `sigmoid`, `softmax` or `none`.
    """

    heads: tuple[str, str] | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    colour: str | None = None
    anchors: Path | None = None
    box_order: str | None = None
    box_scales: tuple[float, float, float, float] | None = None
    box_sizes: str | None = None
    score_converter: str | None = None


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
        embeddings: how many of the best detections come with their features, for a bank; None for none.
        as_exported: whether NMS is set like the OD API's TFLite exporter does, when a config is rebuilt.
        stated: what raw heads do not tell.
    """

    input_size: tuple[int, int] | None = None
    labels: Path | None = None
    nms: NmsOptions = field(default_factory=NmsOptions)
    logits: bool = False
    repair: bool = True
    max_proposals: int | None = None
    embeddings: int | None = None
    as_exported: bool = False
    stated: StatedFacts = field(default_factory=StatedFacts)

    def __post_init__(self) -> None:
        if self.embeddings is not None and (self.nms.max_detections is not None or self.logits):
            raise InputError("--embeddings says how many detections there are: leave out --max-detections and --scores")
