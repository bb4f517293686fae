"""RetinaNet of TF-Vision: box encodings and class scores for anchors on each level of a pyramid."""

from __future__ import annotations

from detlite.convert.options import DetectorOptions
from detlite.convert.rebuild.architecture import Architecture, Decoding, RebuildPlan, detection_contract
from detlite.convert.rebuild.network.anchors import Size
from detlite.convert.rebuild.network.built_network import BuiltNetwork
from detlite.convert.rebuild.network.retinanet import build_heads
from detlite.convert.rebuild.network.wrapped_ranges import builder_of
from detlite.convert.rebuild.tf_vision.image import PADDED, image_input
from detlite.convert.rebuild.tf_vision.maps import maps_of
from detlite.convert.rebuild.tf_vision.tasks.retinanet import RetinaNet
from detlite.convert.rebuild.weights.weights import Weights
from detlite.runtime.boxes.coding import BoxCoder
from detlite.runtime.boxes.nms import Nms
from detlite.runtime.contract import Contract
from detlite.runtime.errors import InputError

CODER = BoxCoder(1.0, 1.0, 1.0, 1.0)


def build(plan: RebuildPlan, weights: Weights, size: Size) -> BuiltNetwork:
    """Return the RetinaNet of *plan* with *weights*, for images of *size*.

    Raises:
        InputError: the levels do not divide the size, the backbone lacks one of them, or ranges are to be kept where
            not all parts have some.
    """
    config = _config(plan)
    if plan.quantized and config.part_without_ranges is not None:
        raise InputError(
            f"{plan.origin}: {config.part_without_ranges} is false, so the checkpoint has no ranges for all of the "
            "network: convert it as float32 and use `detlite quantize` with images"
        )
    with builder_of(weights, (*size, 3), quantized=plan.quantized, wrapped=config.has_ranges) as net:
        levels = maps_of(net, config, "model/_", plan.origin)
        build_heads(net, levels, config.head, config.norm, (config.columns, config.anchors.per_cell))
        sizes = tuple(net.size(levels[level]) for level in sorted(levels))
        return BuiltNetwork(net.graph_def, sizes, net.parameters, net.macs)


def contract(plan: RebuildPlan, options: DetectorOptions, size: Size, built: BuiltNetwork) -> Contract:
    """Return the contract of the RetinaNet that `build` made of *plan*."""
    del built
    config = _config(plan)
    source = plan.origin
    nms = Nms(
        score_threshold=config.nms.score_threshold,
        iou_threshold=config.nms.iou_threshold,
        max_detections=config.nms.max_detections,
        detections_per_class=config.nms.max_detections,
        clip_in_op=config.nms.clips,
    )
    decoding = Decoding(
        anchors=config.anchors.on(size, range(config.levels[0], config.levels[1] + 1)),
        box_coder=CODER,
        score_converter="SIGMOID",
        columns=config.columns,
        label_offset=1,
        nms=options.nms.over(nms),
        origin={
            "anchors": source,
            "box_coder": "TF-Vision's RetinaNet: offsets and sizes in anchors",
            "image": f"TF-Vision's normalization and resizing; {source}",
            "label_offset": f"{source}: num_classes counts the background",
            "nms": f"{source}: detection_generator, as the server's export has it",
        },
    )
    image = image_input(size, letterbox=PADDED if config.keeps_aspect else None)
    return detection_contract(plan, options, image, decoding)


def _config(plan: RebuildPlan) -> RetinaNet:
    assert isinstance(plan.model, RetinaNet)
    return plan.model


PLUGIN = Architecture(title="RetinaNet (TF-Vision)", reads=RetinaNet, build=build, contract=contract)
