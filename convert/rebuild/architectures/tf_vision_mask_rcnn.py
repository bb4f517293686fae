"""Mask R-CNN and Cascade R-CNN of TF-Vision: the network itself finds detections and their masks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from detlite.convert.options import DetectorOptions
from detlite.convert.rebuild.architecture import (
    MASK_ROLES,
    MASK_THRESHOLD,
    NO_POSTPROCESS,
    Architecture,
    RebuildPlan,
    detection_outputs,
    detector_contract,
    most_detections,
    suppression_asked,
)
from detlite.convert.rebuild.detector_config import DetectorConfig
from detlite.convert.rebuild.network.anchors import Size
from detlite.convert.rebuild.network.built_network import BuiltNetwork
from detlite.convert.rebuild.network.region_builder import RegionBuilder
from detlite.convert.rebuild.network.tf_vision_rcnn import CASCADE, RegionNetwork
from detlite.convert.rebuild.tf_vision.image import PADDED, image_input
from detlite.convert.rebuild.tf_vision.maps import maps_of
from detlite.convert.rebuild.tf_vision.tasks.mask_rcnn import RegionDetector
from detlite.convert.rebuild.weights.weights import Weights
from detlite.runtime.boxes.nms import Nms
from detlite.runtime.contract import Contract
from detlite.runtime.errors import InputError
from detlite.runtime.tasks.detection import DETECTION_ROLES, Detection
from detlite.runtime.tasks.instances import MASKS, Instances

SCOPE = "found"


def build(plan: RebuildPlan, weights: Weights, size: Size) -> BuiltNetwork:
    """Return the network of *plan* with *weights*, for images of *size*.

    Raises:
        InputError: the levels do not divide the size, or the backbone lacks one of them.
    """
    config = _config(plan)
    with RegionBuilder(weights, (*size, 3)) as net:
        levels = maps_of(net, config, "model/", plan.origin)
        kept, masks = RegionNetwork(net, config.regions).find(levels)
        net.name_detections(kept, SCOPE)
        if masks is not None:
            net.identity(net.reshape(masks, (1, *masks.shape), f"{SCOPE}/whole_masks"), f"{SCOPE}/{MASKS}")
        sizes = tuple(net.size(levels[level]) for level in sorted(levels))
        return BuiltNetwork(net.graph_def, sizes, net.parameters, net.macs, macs_by_stage=net.stages)


def contract(plan: RebuildPlan, options: DetectorOptions, size: Size, built: BuiltNetwork) -> Contract:
    """Return the contract of the network that `build` made of *plan*.

    Raises:
        InputError: the *options* ask for logits of a network that itself makes detections of them.
    """
    config = _config(plan)
    if options.logits:
        raise InputError(f"{plan.origin}: the network needs its scores to find its boxes: leave out --scores logits")
    post = config.regions.nms
    nms = Nms(
        place="model",
        score_threshold=post.score_threshold,
        iou_threshold=post.iou_threshold,
        max_detections=post.max_total_detections,
        detections_per_class=post.max_detections_per_class,
    )
    detection = Detection(
        anchors=np.zeros((0, 4), np.float32),
        box_coder=CASCADE[config.regions.head.stages - 1],
        score_converter="SOFTMAX",
        score_converter_place="model",
        label_offset=1,
        nms=nms,
    )
    origin = {
        "box_coder": "TF-Vision's R-CNN, of its last head",
        "image": f"TF-Vision's normalization and resizing; {plan.origin}",
        "label_offset": f"{plan.origin}: num_classes counts the background",
        "nms": f"{plan.origin}: detection_generator, or asked for",
    }
    image = image_input(size, letterbox=PADDED if config.keeps_aspect else None)
    most = most_detections(post, config.regions.most_proposals(built.maps), config.classes)
    if config.regions.masks is None:
        return detector_contract(plan, options, image, detection_outputs(most, None), detection, origin)
    origin["threshold"] = "TF-Vision's evaluator, of masks"
    side = config.regions.masks.side
    task = Instances(detection, (side, side), MASK_THRESHOLD)
    return detector_contract(plan, options, image, detection_outputs(most, (side, side)), task, origin)


def outputs(plan: RebuildPlan, options: DetectorOptions) -> dict[str, str]:
    """Return the tensors of the detections and their masks, by role, whatever *options* say."""
    del options
    roles = DETECTION_ROLES if _config(plan).regions.masks is None else MASK_ROLES
    return {role: f"{SCOPE}/{role}" for role in roles}


def suppressing(model: DetectorConfig, options: DetectorOptions) -> RegionDetector:
    """Return *model* with the NMS settings of *options*.

    Raises:
        InputError: they ask for NMS over all classes together.
    """
    assert isinstance(model, RegionDetector)
    nms = suppression_asked(model.regions.nms, options)
    return replace(model, regions=replace(model.regions, nms=nms))


def limited(model: DetectorConfig, most: int) -> RegionDetector:
    """Return *model* with at most *most* proposals."""
    assert isinstance(model, RegionDetector)
    regions = model.regions
    rpn = replace(regions.rpn, proposals=min(regions.rpn.proposals, most))
    return replace(model, regions=replace(regions, rpn=rpn))


def _config(plan: RebuildPlan) -> RegionDetector:
    assert isinstance(plan.model, RegionDetector)
    return plan.model


PLUGIN = Architecture(
    title="Mask and Cascade R-CNN (TF-Vision)",
    reads=RegionDetector,
    build=build,
    contract=contract,
    outputs=outputs,
    limited=limited,
    refused={
        "tflite": "it is written as ONNX alone, for "
        "TFLite's post-processing op knows neither regions nor masks: give --to onnx"
    },
    suppressing=suppressing,
    no_postprocess=NO_POSTPROCESS,
)
