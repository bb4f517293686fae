"""TensorRT's plug-in EfficientNMS_TRT, which decodes and suppresses on the GPU; no other runtime has it.

Source: `plugin/efficientNMSPlugin` of TensorRT's public repository. It suppresses all classes together
(`class_agnostic`, from TensorRT 8.6) or each separately. It has no limit per class, gives a box one class, and
considers the 4096 best scores. A box goes at the IoU threshold, not over it: the file has the number just above.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from detlite.convert.model import Model
from detlite.convert.onnx.graph import OnnxGraph, OnnxTensor
from detlite.convert.onnx.nms_variant import NmsVariant, closed, opened
from detlite.convert.onnx.options import TENSORRT, OnnxOptions
from detlite.convert.onnx.scores_and_boxes import ENCODINGS, scores_of
from detlite.runtime.boxes.coding import BoxCoder
from detlite.runtime.boxes.nms import Nms
from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError
from detlite.runtime.tasks.detection import detection_of

OPERATOR = "EfficientNMS_TRT"
CANDIDATES = 4096
"""The plug-in considers so many of the best scores."""

CENTRE_SIZE = 1
"""The code of boxes as offsets of anchors given by centre and size."""


def attach(model: Model, options: OnnxOptions) -> Model:
    """Return *model* with the plug-in after it.

    Raises:
        InputError: the plug-in cannot do the contract's NMS, or the target is not TensorRT; or as `opened`.
    """
    if options.target != TENSORRT:
        raise InputError(f"--nms efficient_nms is TensorRT's plug-in: it needs --target {TENSORRT}")
    graph = opened(model)
    task = detection_of(model.contract)
    _check(task.nms)
    if task.box_coder.coding != "faster_rcnn":
        raise InputError(
            f"{OPERATOR} decodes sizes as logarithms, and this detector has linear ones: use --nms standard"
        )
    anchors = graph.constant("anchors", task.anchors[None])
    inputs = [_unscaled(graph, task.box_coder), scores_of(graph, model.contract), anchors]
    rows, batch = task.nms.max_detections, model.contract.image.batch
    ends = {
        "count": OnnxTensor("num_detections", "int32", (batch, 1)),
        "boxes": OnnxTensor("detection_boxes", "float32", (batch, rows, 4)),
        "scores": OnnxTensor("detection_scores", "float32", (batch, rows)),
        "classes": OnnxTensor("detection_classes", "int32", (batch, rows)),
    }
    values = graph.split_node(OPERATOR, inputs, [f"plugin_{role}" for role in ends], **_settings(task.nms))
    made = [(role, value, ends[role]) for role, value in zip(ends, values, strict=True)]
    return closed(model, graph, made, replace(task.nms, clip=False), is_standard=False)


def _check(nms: Nms) -> None:
    """Raise `InputError` unless the plug-in finds what *nms* says."""
    if nms.kind == "peaks":
        raise InputError(f"{OPERATOR} suppresses boxes, and this detector has CenterNet's peaks: use --nms standard")
    if nms.kind == "fast" and nms.max_classes_per_detection > 1:
        raise InputError(
            f"{OPERATOR} gives each box one class, and the contract {nms.max_classes_per_detection}: use --nms standard"
        )
    if nms.kind == "regular" and nms.detections_per_class < nms.max_detections:
        raise InputError(
            f"{OPERATOR} has no limit per class, and the contract keeps {nms.detections_per_class} of "
            f"{counted(nms.max_detections, 'detection')}: use --nms standard"
        )
    if nms.max_detections > CANDIDATES:
        raise InputError(
            f"{OPERATOR} considers {CANDIDATES} candidates, and the contract keeps {nms.max_detections}: use --nms none"
        )


def _unscaled(graph: OnnxGraph, coder: BoxCoder) -> str:
    """Return the encodings without the coder's scales, of which the plug-in knows nothing."""
    scales = np.array([1 / coder.y, 1 / coder.x, 1 / coder.height, 1 / coder.width], np.float32)
    return graph.node("Mul", [ENCODINGS, graph.constant("box_scales", scales)], "unscaled_encodings")


def _settings(nms: Nms) -> dict[str, Any]:
    found: dict[str, Any] = {
        "plugin_version": "1",
        "score_threshold": float(np.float32(nms.score_threshold)),
        "iou_threshold": float(np.nextafter(np.float32(nms.iou_threshold), np.float32(2))),
        "max_output_boxes": nms.max_detections,
        "background_class": -1,
        "score_activation": 0,
        "box_coding": CENTRE_SIZE,
    }
    return found | ({"class_agnostic": 1} if nms.kind == "fast" else {})


PLUGIN = NmsVariant(title="TensorRT's plug-in EfficientNMS_TRT", attach=attach)
