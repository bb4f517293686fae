"""CenterNet: an object is a peak in the heat map of its class, with an offset and a size."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from detlite.convert.detector import DEPLOYED_SCORE_THRESHOLD, raw_outputs
from detlite.convert.files.float32 import shortest
from detlite.convert.labels.keypoints import NamedKeypoints, read_keypoints
from detlite.convert.options import DetectorOptions
from detlite.convert.rebuild.architecture import (
    MASK_ROLES,
    MASK_THRESHOLD,
    Architecture,
    Decoding,
    RebuildPlan,
    detection_contract,
    detection_outputs,
    detector_contract,
    image_input,
    letterbox_of,
    raw_heads,
)
from detlite.convert.rebuild.center_net_config import CenterNet, KeypointTask
from detlite.convert.rebuild.detector_config import DetectorConfig
from detlite.convert.rebuild.network.anchors import Size
from detlite.convert.rebuild.network.built_network import BuiltNetwork
from detlite.convert.rebuild.network.center_net import (
    KEYPOINT_LOGITS,
    KEYPOINTS,
    CenterExtractor,
    build_center_net,
)
from detlite.convert.rebuild.network.faster_rcnn import DETECTIONS
from detlite.convert.rebuild.odapi.config.center_net import read_center_net
from detlite.convert.rebuild.odapi.family import Family, family_of_center_net
from detlite.convert.rebuild.weights.weights import Weights
from detlite.runtime.boxes.coding import BoxCoder
from detlite.runtime.boxes.keypoints import Snapping
from detlite.runtime.boxes.nms import Nms
from detlite.runtime.contract import Contract
from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError
from detlite.runtime.inputs import ImageInput
from detlite.runtime.tasks.instances import Instances
from detlite.runtime.tasks.keypoints import ROLES, Keypoints, Skeleton
from detlite.runtime.tensors import Output

CODER = BoxCoder(1.0, 1.0, 1.0, 1.0, coding="center_offset")


def build(plan: RebuildPlan, weights: Weights, size: Size) -> BuiltNetwork:
    """Return the CenterNet of *plan* with *weights*.

    Raises:
        InputError: no family has its feature extractor, or it takes no such images.
    """
    model, _family, extractor = _parts(plan)
    if any(side % extractor.multiple for side in size) or model.resizer.grayscale:
        gray = "gray " if model.resizer.grayscale else ""
        raise InputError(
            f"{plan.origin}: {gray}images of {size[0]} x {size[1]} pixels; {model.type} needs colour images with sides "
            f"that are multiples of {extractor.multiple}"
        )
    named = None if model.keypoints is None else _named_keypoints(plan, model.keypoints)
    return build_center_net(model, extractor, weights, size, len(named.names) if named else 0)


def contract(plan: RebuildPlan, options: DetectorOptions, size: Size, built: BuiltNetwork) -> Contract:
    """Return the contract of the CenterNet that `build` made of *plan*."""
    model, family, extractor = _parts(plan)
    decoding = _decoding(model, plan.origin, options, built.maps[0])
    decoding.origin["image"] = f"channel means and stds of {plan.origin}, then those of the family {family.title}"
    colour, mean, std = extractor.normalization(model)
    image = image_input((colour, mean, std), size)
    letterbox = letterbox_of(model.resizer, mean if colour == "RGB" else mean[::-1])
    image = replace(image, letterbox=letterbox)
    if model.masks is not None:
        return _with_masks(plan, options, image, decoding)
    if model.keypoints is None:
        return detection_contract(plan, options, image, decoding)
    return _with_keypoints(plan, options, image, decoding)


def outputs(plan: RebuildPlan, options: DetectorOptions) -> dict[str, str]:
    """Return the tensors of the heads, by role, as *options* ask for them."""
    assert isinstance(plan.model, CenterNet)
    if plan.model.masks is not None:
        return {role: f"{DETECTIONS}/{role}" for role in MASK_ROLES}
    found = dict(raw_heads(plan, options))
    if plan.model.keypoints is not None:
        found |= zip(ROLES, (*KEYPOINTS[:2], KEYPOINT_LOGITS if options.logits else KEYPOINTS[2]), strict=True)
    return found


def _with_keypoints(plan: RebuildPlan, options: DetectorOptions, image: ImageInput, decoding: Decoding) -> Contract:
    """Return the contract of a CenterNet whose objects of one class have keypoints."""
    assert isinstance(plan.model, CenterNet)
    task = plan.model.keypoints
    assert task is not None
    named, cells = _named_keypoints(plan, task), len(decoding.anchors)
    count = len(named.names)
    edges = plan.edges or named.usual_edges
    outside = next((edge for edge in edges if not all(0 <= end < count for end in edge)), None)
    if outside is not None:
        raise InputError(
            f"{plan.origin}: a keypoint_edge joins {outside[0]} and {outside[1]}, and {_label_map(plan, task)} has "
            f"{counted(count, 'keypoint')} for {task.class_name}: want numbers from 0 to {count - 1}"
        )
    decoding.origin["keypoints"] = (
        f"names: {_label_map(plan, task).name}; thresholds: keypoint_estimation_task of {plan.origin}; edges: "
        + ("its eval_config" if plan.edges else "COCO's skeleton, where it has these names")
    )
    snapping = Snapping(
        score_threshold=shortest(task.candidate_threshold),
        candidates=task.candidates,
        unmatched_score=shortest(task.unmatched_score),
        box_scale=shortest(task.box_scale),
        search_scale=shortest(task.search_scale),
        ranking=task.ranking,
        distance_offset=shortest(task.distance_offset),
        distance_multiplier=shortest(task.distance_multiplier),
        clips=task.clips,
    )
    shapes = ((1, cells, 2 * count if task.per_keypoint_offset else 2), (1, cells, 2 * count), (1, cells, count))
    listed = raw_outputs(cells, decoding.columns)
    listed += tuple(
        Output(role, role, number, shape, "float32")
        for number, (role, shape) in enumerate(zip(ROLES, shapes, strict=True), len(listed))
    )
    whole = Keypoints(decoding.task(options), Skeleton(named.number, named.names, edges), snapping)
    options = replace(options, labels=options.labels or _label_map(plan, task))
    return detector_contract(plan, options, image, listed, whole, decoding.origin)


def _with_masks(plan: RebuildPlan, options: DetectorOptions, image: ImageInput, decoding: Decoding) -> Contract:
    """Return the contract of a DeepMAC, which finds the peaks, their boxes and their masks itself.

    Raises:
        InputError: the *options* ask for logits.
    """
    model = plan.model
    assert isinstance(model, CenterNet)
    assert model.masks is not None
    if options.logits:
        raise InputError(f"{plan.origin}: a DeepMAC needs its own scores to find its masks: leave out --scores logits")
    most, size = model.max_box_predictions, (model.masks.size, model.masks.size)
    nms = replace(decoding.nms, place="model", score_threshold=0.0, max_detections=most)
    detection = replace(decoding.task(options), nms=nms)
    origin = {
        **decoding.origin,
        "nms": f"peaks in the network, at most {most} of them: {plan.origin}, or asked for",
        "threshold": "the OD API's own, of masks",
    }
    task = Instances(detection, size, MASK_THRESHOLD)
    return detector_contract(plan, options, image, detection_outputs(most, size), task, origin)


def suppressing(model: DetectorConfig, options: DetectorOptions) -> CenterNet:
    """Return *model* with the user's number of detections, where the network itself finds them.

    Raises:
        InputError: they ask for what its peaks do not have.
    """
    assert isinstance(model, CenterNet)
    if model.masks is None:
        return model
    asked = options.nms
    others = (asked.kind, asked.iou_threshold, asked.max_classes_per_detection, asked.score_threshold)
    if any(value is not None for value in others):
        raise InputError(
            "a DeepMAC finds its boxes as peaks, in the network: leave out --nms, --iou, --score-threshold and "
            "--classes-per-detection"
        )
    return replace(model, max_box_predictions=asked.max_detections or model.max_box_predictions)


def _named_keypoints(plan: RebuildPlan, task: KeypointTask) -> NamedKeypoints:
    """Return the keypoints of *task*, with their names; their class is one of the model's.

    Raises:
        InputError: there is no label map, or it lacks them.
    """
    file = _label_map(plan, task)
    named = read_keypoints(file, task.class_name)
    if named.number >= plan.model.classes:
        raise InputError(
            f"{file}: {task.class_name} has the id {named.number + 1}, and {plan.origin} has "
            f"{counted(plan.model.classes, 'class')}: give the label map of the training"
        )
    return named


def _label_map(plan: RebuildPlan, task: KeypointTask) -> Path:
    """Return the user's label map, or the one that the config names, relative to its folder; errors as above."""
    if plan.labels is not None:
        return plan.labels
    file = (plan.folder or Path()) / task.label_map
    if not task.label_map or not file.is_file():
        named = (
            f"{task.label_map!r} of keypoint_label_map_path is not there" if task.label_map else "it names no label map"
        )
        raise InputError(
            f"{plan.origin}, line {task.line}: the keypoints of {task.name} have no names, as {named}: give the label "
            f"map of the training, in which {task.class_name} has keypoints, with --labels"
        )
    return file


def _parts(plan: RebuildPlan) -> tuple[CenterNet, Family, CenterExtractor]:
    model = plan.model
    assert isinstance(model, CenterNet)
    family, extractor = family_of_center_net(model.type, model.line, plan.origin)
    return model, family, extractor


def _decoding(model: CenterNet, source: str, options: DetectorOptions, cells: Size) -> Decoding:
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
        box_coder=CODER,
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


PLUGIN = Architecture(
    title="CenterNet",
    reads=CenterNet,
    build=build,
    contract=contract,
    outputs=outputs,
    suppressing=suppressing,
    messages={"center_net": read_center_net},
)
