"""Faster R-CNN: regions that may hold an object are cropped out of the features, and classified one by one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from detlite.convert.files.float32 import shortest
from detlite.convert.options import DetectorOptions
from detlite.convert.rebuild.architecture import (
    MASK_ROLES,
    MASK_THRESHOLD,
    NO_POSTPROCESS,
    Architecture,
    RebuildPlan,
    detection_outputs,
    detector_contract,
    image_input,
    letterbox_of,
    most_detections,
    suppression_asked,
)
from detlite.convert.rebuild.detector_config import DetectorConfig
from detlite.convert.rebuild.faster_rcnn_config import FasterRcnn
from detlite.convert.rebuild.network.anchors import Size
from detlite.convert.rebuild.network.built_network import BOX_ENCODINGS, CLASS_LOGITS, CLASS_SCORES, BuiltNetwork
from detlite.convert.rebuild.network.context_attention import FEATURES
from detlite.convert.rebuild.network.faster_rcnn import (
    DETECTIONS,
    PROPOSALS,
    WINDOW,
    TwoStageExtractor,
    build_faster_rcnn,
)
from detlite.convert.rebuild.network.region_proposals import CODER
from detlite.convert.rebuild.odapi.config.faster_rcnn import read_faster_rcnn
from detlite.convert.rebuild.odapi.family import Family, family_of_two_stage
from detlite.convert.rebuild.weights.weights import Weights
from detlite.runtime.boxes.nms import Nms
from detlite.runtime.contract import Contract
from detlite.runtime.errors import InputError
from detlite.runtime.stream_inputs import BankInput, Input, WindowInput
from detlite.runtime.tasks.detection import DETECTION_ROLES, EMBEDDINGS, PROPOSAL_ROLES, Detection
from detlite.runtime.tasks.instances import Instances
from detlite.runtime.tensors import Output

BACKGROUND = 1
SMALLEST_SIDE = 33
"""Of the image, in pixels; the OD API accepts no smaller ones."""


def build(plan: RebuildPlan, weights: Weights, size: Size) -> BuiltNetwork:
    """Return the Faster R-CNN of *plan* with *weights*.

    Raises:
        InputError: no family has its feature extractor, it cannot have such cells, or it takes no such images.
    """
    model, _family, extractor = _parts(plan)
    if min(size) < SMALLEST_SIDE or model.resizer.grayscale:
        gray = "gray " if model.resizer.grayscale else ""
        raise InputError(
            f"{plan.origin}: {gray}images of {size[0]} x {size[1]} pixels; {model.type} needs colour images of "
            f"at least {SMALLEST_SIDE} pixels on each side"
        )
    if model.stride not in extractor.strides:
        raise InputError(
            f"{plan.origin}, line {model.line}: first_stage_features_stride is {model.stride}; {model.type} has "
            f"{' or '.join(map(str, extractor.strides))}"
        )
    return build_faster_rcnn(model, extractor, weights, size)


def contract(plan: RebuildPlan, options: DetectorOptions, size: Size, built: BuiltNetwork) -> Contract:
    """Return the contract of the Faster R-CNN that `build` made of *plan*.

    Raises:
        InputError: the *options* ask for logits of a network that itself makes detections of them.
    """
    model, family, _extractor = _parts(plan)
    if options.logits and model.masks is not None:
        raise InputError(
            f"{plan.origin}: a Mask R-CNN needs its own scores to find its masks: leave out --scores logits"
        )
    image = image_input(("RGB", family.mean, family.std), size)
    image = replace(image, letterbox=letterbox_of(model.resizer, family.mean))
    origin = {
        "image": f"mean and std of the family {family.title}; size of {plan.origin} or of --input",
        "box_coder": "the OD API's own, of both stages",
        "label_offset": "a second stage has a background",
        "nms": f"{plan.origin}: second_stage_post_processing, or asked for",
    }
    detection, further = _detection(model, options), _further(model, origin, plan.origin)
    if model.embeds:
        found = _found(model, built.embedding_width)
        return detector_contract(plan, options, image, found, detection, origin, further=further)
    if model.masks is None:
        return detector_contract(plan, options, image, _outputs(model), detection, origin, further=further)
    origin["threshold"] = "the OD API's own, of masks"
    task = Instances(detection, (model.masks.height, model.masks.width), MASK_THRESHOLD)
    return detector_contract(plan, options, image, _outputs(model), task, origin, further=further)


def _further(model: FasterRcnn, origin: dict[str, str], config: str) -> tuple[Input, ...]:
    """Return the inputs beside the image, its window and the memory of a Context R-CNN; *origin* says where from."""
    found: list[Input] = []
    if model.has_window:
        origin["window"] = f"{config}: pad_to_max_dimension"
        found.append(WindowInput(WINDOW))
    if model.attention is not None:
        origin["context"] = f"{config}: context_config"
        found.append(BankInput(FEATURES, model.attention.slots, model.attention.width))
    return tuple(found)


def _detection(model: FasterRcnn, options: DetectorOptions) -> Detection:
    post = model.post_processing
    converts = options.logits and post.score_converter != "IDENTITY"
    nms = Nms(
        place="model" if model.finds_itself else "host",
        score_threshold=shortest(post.score_threshold),
        iou_threshold=shortest(post.iou_threshold),
        max_detections=post.max_total_detections,
        detections_per_class=post.max_detections_per_class,
    )
    return Detection(
        anchors=np.zeros((0, 4), np.float32),
        box_coder=CODER,
        score_converter=post.score_converter,
        score_converter_place="host" if converts else "model",
        label_offset=BACKGROUND,
        nms=options.nms.over(nms),
    )


def outputs(plan: RebuildPlan, options: DetectorOptions) -> dict[str, str]:
    """Return the tensors of the heads, by role, as *options* ask for them; or of the detections and their masks."""
    model = _parts(plan)[0]
    if model.finds_itself:
        roles = (*DETECTION_ROLES, EMBEDDINGS) if model.embeds else MASK_ROLES
        return {role: f"{DETECTIONS}/{role}" for role in roles}
    scores = CLASS_LOGITS if options.logits else CLASS_SCORES
    return dict(zip(PROPOSAL_ROLES, (BOX_ENCODINGS, scores, PROPOSALS), strict=True))


def suppressing(model: DetectorConfig, options: DetectorOptions) -> FasterRcnn:
    """Return *model* with the NMS settings of *options*, where the network itself needs them.

    Raises:
        InputError: they ask for NMS over all classes together.
    """
    assert isinstance(model, FasterRcnn)
    asked = suppression_asked(model.post_processing, options)
    return replace(model, post_processing=asked) if model.finds_itself else model


def embedding(model: DetectorConfig, most: int) -> FasterRcnn:
    """Return *model* with its *most* best detections and their features, as the OD API's memory generator needs them.

    Raises:
        InputError: it is no plain Faster R-CNN.
    """
    assert isinstance(model, FasterRcnn)
    if model.attention is not None:
        raise InputError(
            "--embeddings is for the Faster R-CNN whose features a Context R-CNN was trained with, not for itself: its "
            "attention reads those"
        )
    if model.masks is not None or model.position_sensitive is not None:
        raise InputError("--embeddings is for Faster R-CNN, not for Mask R-CNN and R-FCN: leave it out")
    return replace(model, embeds=True, post_processing=replace(model.post_processing, max_total_detections=most))


def limited(model: DetectorConfig, most: int) -> FasterRcnn:
    """Return *model* with at most *most* proposals."""
    assert isinstance(model, FasterRcnn)
    count = min(model.first_stage.max_proposals, most)
    return replace(model, first_stage=replace(model.first_stage, max_proposals=count))


def _parts(plan: RebuildPlan) -> tuple[FasterRcnn, Family, TwoStageExtractor]:
    model = plan.model
    assert isinstance(model, FasterRcnn)
    family, extractor = family_of_two_stage(model.type, model.line, plan.origin)
    return model, family, extractor


def _outputs(model: FasterRcnn) -> tuple[Output, ...]:
    count = model.first_stage.max_proposals
    if model.masks is not None:
        return detection_outputs(_most(model), (model.masks.height, model.masks.width))
    codes = (1, count, 4) if model.share_box else (1, count, model.classes, 4)
    shapes = (codes, (1, count, model.classes + BACKGROUND), (1, count, 4))
    listed = zip(PROPOSAL_ROLES, shapes, strict=True)
    return tuple(Output(role, role, number, shape, "float32") for number, (role, shape) in enumerate(listed))


def _most(model: FasterRcnn) -> int:
    return most_detections(model.post_processing, model.first_stage.max_proposals, model.classes)


def _found(model: FasterRcnn, width: int) -> tuple[Output, ...]:
    """Return the outputs of a network that finds detections with embeddings of *width* numbers."""
    most = _most(model)
    boxes = detection_outputs(most, None)
    return (*boxes, Output(EMBEDDINGS, EMBEDDINGS, len(boxes), (1, most, width), "float32"))


PLUGIN = Architecture(
    title="Faster, Mask and Context R-CNN",
    reads=FasterRcnn,
    build=build,
    contract=contract,
    outputs=outputs,
    limited=limited,
    suppressing=suppressing,
    embedding=embedding,
    no_postprocess=NO_POSTPROCESS,
    messages={"faster_rcnn": read_faster_rcnn},
)
