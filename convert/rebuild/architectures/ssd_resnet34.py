"""MLPerf v1.0's second detector: an SSD of six maps on ResNet-34, for images of 1200 x 1200."""

from __future__ import annotations

from dataclasses import replace

from detlite.convert.labels.files import known_labels, numbered_labels
from detlite.convert.labels.numbered import GAP
from detlite.convert.options import DetectorOptions
from detlite.convert.rebuild.architecture import Architecture, Decoding, RebuildPlan, detection_contract, image_input
from detlite.convert.rebuild.detector_config import SsdResNet34
from detlite.convert.rebuild.network.anchors import Size
from detlite.convert.rebuild.network.built_network import BuiltNetwork
from detlite.convert.rebuild.network.ssd_resnet34 import build_ssd_resnet34, default_boxes
from detlite.convert.rebuild.odapi.families.ssd_resnet34 import PLUGIN as FAMILY
from detlite.convert.rebuild.weights.weights import Weights
from detlite.runtime.boxes.coding import BoxCoder
from detlite.runtime.boxes.nms import Nms
from detlite.runtime.contract import Contract
from detlite.runtime.errors import InputError

SMALLEST_SIDE = 433
"""In pixels: smaller images leave the last map empty."""

NMS = Nms(kind="regular", score_threshold=0.05, iou_threshold=0.5, max_detections=200, detections_per_class=200)
"""The reference's `decode_batch`: of each class the best 200, then the best 200 of all."""


def build(plan: RebuildPlan, weights: Weights, size: Size) -> BuiltNetwork:
    """Return the network of *plan* with *weights*.

    Raises:
        InputError: the images are too small for it.
    """
    assert isinstance(plan.model, SsdResNet34)
    if min(size) < SMALLEST_SIDE:
        raise InputError(
            f"{plan.origin}: images of {size[0]} x {size[1]} pixels; it needs at least {SMALLEST_SIDE} on each side"
        )
    return build_ssd_resnet34(plan.model, weights, size)


def contract(plan: RebuildPlan, options: DetectorOptions, size: Size, built: BuiltNetwork) -> Contract:
    """Return the contract of the network that `build` made of *plan*."""
    reference = "MLPerf v1.0's reference of ssd-resnet34"
    decoding = Decoding(
        anchors=default_boxes(built.maps),
        box_coder=BoxCoder(),
        score_converter="SOFTMAX",
        columns=plan.model.classes + 1,
        label_offset=1,
        nms=options.nms.over(NMS),
        origin={
            "anchors": reference,
            "box_coder": reference,
            "image": f"mean, std and resize rule of {reference}; size of the reference or of --input",
            "label_offset": f"{reference}: class 0 is the background",
            "nms": f"{reference}, or asked for",
        },
    )
    usual = image_input(("RGB", FAMILY.mean, FAMILY.std), size)
    image = replace(usual, resize="half_pixel_bilinear")  # the reference resizes with OpenCV
    return _with_coco_labels(detection_contract(plan, options, image, decoding), options)


def _with_coco_labels(made: Contract, options: DetectorOptions) -> Contract:
    """Return *made* with the names of COCO's 80 classes, in the order of their ids, unless it has other labels."""
    coco = tuple(label for label in known_labels("coco") if label != GAP)
    if options.labels is not None or made.labels != numbered_labels(len(coco)):
        return made
    return replace(made, labels=coco, origin={**made.origin, "labels": "COCO's 80 classes; --labels gives others"})


PLUGIN = Architecture(title="SSD ResNet-34", reads=SsdResNet34, build=build, contract=contract)
