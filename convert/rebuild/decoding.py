"""The decoding of a rebuilt detector's heads, from its config: anchors, box coder and non-maximum suppression."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detlite.convert.detector import DEPLOYED_SCORE_THRESHOLD, DetectorOptions
from detlite.convert.files.float32 import shortest
from detlite.convert.rebuild.detector_config import CenterNet, PostProcessing, Ssd
from detlite.convert.rebuild.network.anchors import Size, make_anchors
from detlite.runtime.arrays import Floats
from detlite.runtime.boxes.coding import BoxCoder
from detlite.runtime.boxes.nms import Nms

EXPORTER_DETECTIONS = 10
"""`max_detections` of the OD API's TFLite exporters."""

CENTER_CODER = BoxCoder(1.0, 1.0, 1.0, 1.0, coding="center_offset")


@dataclass(frozen=True, eq=False)
class Decoding:
    """The parts of a contract that describe its raw heads; see `detlite.runtime.tasks.detection.Detection`.

    Attributes:
        anchors: float32 (N, 4), (y centre, x centre, height, width).
        box_coder: the coding of the box encodings.
        score_converter: IDENTITY, SIGMOID or SOFTMAX.
        columns: the number of columns of the class scores.
        label_offset: the number of background columns.
        nms: the non-maximum suppression.
        origin: the source of each part, for the contract.
    """

    anchors: Floats
    box_coder: BoxCoder
    score_converter: str
    columns: int
    label_offset: int
    nms: Nms
    origin: dict[str, str]


def ssd_decoding(model: Ssd, source: str, options: DetectorOptions, size: Size, maps: tuple[Size, ...]) -> Decoding:
    """Return the decoding of an SSD's heads.

    Args:
        model: the SSD.
        source: the name of its config in the contract.
        options: the user's options.
        size: (height, width) of the image.
        maps: (rows, columns) of the feature maps.
    """
    scales = model.box_scales
    nms, nms_origin = _nms(model.post_processing, source, options)
    return Decoding(
        anchors=make_anchors(model.anchors, size, maps),
        box_coder=BoxCoder(scales.y, scales.x, scales.height, scales.width),
        score_converter=model.post_processing.score_converter,
        columns=model.columns,
        label_offset=model.columns - model.classes,
        nms=nms,
        origin={
            "anchors": source,
            "box_coder": source,
            "label_offset": f"{source}: add_background_class",
            "nms": nms_origin,
        },
    )


def _nms(post: PostProcessing, source: str, options: DetectorOptions) -> tuple[Nms, str]:
    score, iou = shortest(post.score_threshold), shortest(post.iou_threshold)
    config = (
        f"{source} says score {score:g}, IoU {iou:g}, {post.max_detections_per_class} detections a class, "
        f"{post.max_total_detections} in all"
    )
    if options.as_exported:
        exported = Nms(kind="fast", score_threshold=score, iou_threshold=iou, max_detections=EXPORTER_DETECTIONS)
        origin = f"as the OD API's TFLite exporter sets it: fast, {EXPORTER_DETECTIONS} detections; {config}"
        return options.nms.over(exported), origin
    deployed = Nms(score_threshold=DEPLOYED_SCORE_THRESHOLD, iou_threshold=iou)
    return options.nms.over(deployed), f"IoU threshold: {source}; the rest: detlite's own or asked for; {config}"


def center_net_decoding(model: CenterNet, source: str, options: DetectorOptions, cells: Size) -> Decoding:
    """Return the decoding of a CenterNet's heads; an anchor is a cell, given by its top left corner and its size."""
    rows, columns = cells
    anchors = np.empty((rows, columns, 4), np.float32)
    anchors[..., 0] = (np.arange(rows) / rows)[:, None]
    anchors[..., 1] = (np.arange(columns) / columns)[None, :]
    anchors[..., 2:] = 1 / rows, 1 / columns
    most = model.max_box_predictions
    peaks = Nms(kind="peaks", score_threshold=DEPLOYED_SCORE_THRESHOLD, max_detections=most, cells=(rows, columns))
    return Decoding(
        anchors=anchors.reshape(-1, 4),
        box_coder=CENTER_CODER,
        score_converter="SIGMOID",
        columns=model.classes,
        label_offset=0,
        nms=options.nms.over(peaks),
        origin={
            "anchors": "the cells of the one feature map",
            "box_coder": "CenterNet's offsets and sizes",
            "label_offset": "a CenterNet has no background",
            "nms": f"peaks of the heat map, at most {most} of them: {source}; the score threshold is detlite's own",
        },
    )
