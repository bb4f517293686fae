"""What a user states of raw heads whose file does not say how they are used, and the contract that it makes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from detlite.convert.detector import DEPLOYED_SCORE_THRESHOLD, raw_outputs
from detlite.convert.labels.background import BACKGROUNDS
from detlite.convert.options import DetectorOptions, StatedFacts
from detlite.convert.sidecar_files import Hints
from detlite.runtime.arrays import Floats
from detlite.runtime.boxes.coding import BoxCoder
from detlite.runtime.boxes.nms import Nms
from detlite.runtime.contract import Contract
from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError
from detlite.runtime.image.read import DAMAGED_ARRAY
from detlite.runtime.inputs import ImageInput
from detlite.runtime.tasks.detection import Detection

ORDERS = {"yxhw": (0, 1, 2, 3), "xywh": (1, 0, 3, 2)}
"""The columns that are ty, tx, th and tw, by the name of the order of the encodings."""

RESIZE = "half_pixel_bilinear"
RESIZED = "resized as OpenCV and PyTorch do"
COCO_COLUMNS = 91


@dataclass(frozen=True, eq=False)
class Decoder:
    """How box encodings become boxes.

    Attributes:
        anchors: float32 (N, 4), (y centre, x centre, height, width), 0..1 of the image.
        coder: the scales of the encodings.
        order: the columns of the encodings that are ty, tx, th and tw.
        origin: where the anchors and the coder come from, by those names.
    """

    anchors: Floats
    coder: BoxCoder
    order: tuple[int, ...]
    origin: Mapping[str, str]


@dataclass(frozen=True)
class ClassScores:
    """The class scores.

    Attributes:
        columns: C, with a background.
        converter: IDENTITY, SIGMOID or SOFTMAX.
        deferred: whether they are logits, which the host converts.
    """

    columns: int
    converter: str
    deferred: bool


CODINGS = {"log": "faster_rcnn", "linear": "center_offset"}
"""The box coding by how sizes are encoded."""


def stated_decoder(facts: StatedFacts, anchors: int, title: str) -> Decoder:
    """Return the decoder of so many *anchors* that *facts*, which have them and the order, state.

    *title* names their box encodings in errors.

    Raises:
        InputError: the file of the anchors does not hold such ones.
    """
    assert facts.anchors is not None
    assert facts.box_order is not None
    usual = BoxCoder()
    scales = facts.box_scales or (usual.y, usual.x, usual.height, usual.width)
    coder = BoxCoder(*scales, coding=CODINGS[facts.box_sizes or "log"])
    said = "SSD's usual scales, with --anchors" if facts.box_scales is None else "--box-scales"
    said += "" if facts.box_sizes is None else f", --box-sizes {facts.box_sizes}"
    origin = {"anchors": facts.anchors.name, "box_coder": said}
    return Decoder(_read_anchors(facts.anchors, anchors, title), coder, ORDERS[facts.box_order], origin)


def _read_anchors(path: Path, count: int, title: str) -> Floats:
    try:
        anchors = np.lib.format.open_memmap(path, mode="r")  # nothing is allocated for what a header only claims
    except DAMAGED_ARRAY as error:
        text = " ".join(str(error).split())[:200]
        raise InputError(f"cannot read the anchors in {path}, which has to be a .npy file: {text}") from error
    if anchors.shape != (count, 4) or anchors.dtype.kind != "f":
        found = f"{anchors.dtype} {anchors.shape}"
        raise InputError(f"{path} holds {found}; want floats of the shape ({count}, 4), as {title} has")
    if not np.isfinite(anchors).all() or (anchors[:, 2:] <= 0).any():
        raise InputError(f"{path} holds an anchor that is not finite or has no area")
    return anchors.astype(np.float32)


def stated_converter(facts: StatedFacts, found: str | None, title: str) -> ClassScores | None:
    """Return the converter of scores that are *title*: what the file itself has, *found*, or what *facts* state.

    The result has no columns yet; None if neither says it.

    Raises:
        InputError: both say it.
    """
    if found is not None and facts.score_converter is not None:
        raise InputError(
            f"{title} come from a {found.lower()} in the file itself: leave out --score-converter "
            f"{facts.score_converter}"
        )
    if found is not None:
        return ClassScores(0, found, deferred=False)
    if facts.score_converter is None:
        return None
    is_score = facts.score_converter == "none"
    return ClassScores(0, "IDENTITY" if is_score else facts.score_converter.upper(), deferred=not is_score)


def stated_image(facts: StatedFacts, image: ImageInput) -> ImageInput:
    """Return *image* with the mean, the std and the colour that *facts* state.

    Raises:
        InputError: there are not as many numbers as channels, or a gray image is to have a colour.
    """
    if facts.colour is not None and image.channels == 1:
        raise InputError(f"--colour {facts.colour} is for an input of 3 channels, and the model's has 1: leave it out")
    mean, std = (
        kept if values is None else _each(values, image.channels, flag)
        for values, kept, flag in ((facts.mean, image.mean, "--mean"), (facts.std, image.std, "--std"))
    )
    return replace(image, mean=mean, std=std, colour=facts.colour or image.colour)


def _each(values: tuple[float, ...], channels: int, flag: str) -> tuple[float, ...]:
    if len(values) not in (1, channels):
        raise InputError(
            f"{flag} has {counted(len(values), 'number')}; want one, or one for each of {counted(channels, 'channel')}"
        )
    return values if len(values) == channels else values * channels


def class_count(hints: Hints, labels: Path | None) -> int | None:
    """Return the number of classes without a background, by the labels or the config; None if nothing says it."""
    named = hints.named(labels)
    if named is None:
        return hints.classes
    return len(named.labels) - int(named.labels[0].lower() in BACKGROUNDS)


def raw_contract(
    image: ImageInput, scores: ClassScores, decoder: Decoder, hints: Hints, options: DetectorOptions
) -> Contract:
    """Return the contract of float raw heads.

    Args:
        image: the input.
        scores: what the class scores are.
        decoder: how boxes are decoded; a model has their encodings in the order of `yxhw`.
        hints: what the files beside the model say.
        options: the user's.

    Raises:
        InputError: the labels do not match the classes.
    """
    origin = dict(decoder.origin)
    offset = _label_offset(scores, class_count(hints, options.labels), origin)
    iou = hints.iou_threshold if hints.iou_threshold is not None else Nms.iou_threshold
    origin["nms"] = f"detlite's own (regular, score {DEPLOYED_SCORE_THRESHOLD}), or asked for; {hints.nms_said}"
    task = Detection(
        anchors=decoder.anchors,
        box_coder=decoder.coder,
        score_converter=scores.converter,
        score_converter_place="host" if scores.deferred else "model",
        label_offset=offset,
        nms=options.nms.over(Nms(score_threshold=DEPLOYED_SCORE_THRESHOLD, iou_threshold=iou)),
    )
    labels = hints.labels(scores.columns - offset, options.labels, origin)
    return Contract((image,), raw_outputs(len(decoder.anchors), scores.columns), labels, task, origin)


def _label_offset(scores: ClassScores, classes: int | None, origin: dict[str, str]) -> int:
    count = scores.columns
    if classes is not None and count - classes in (0, 1):
        origin["label_offset"] = f"{counted(count, 'class column')} and {counted(classes, 'label')} or classes"
        return count - classes
    has_background = scores.converter == "SOFTMAX" or count == COCO_COLUMNS
    first = "the background" if has_background else "a class"
    origin["label_offset"] = f"{scores.converter.lower()} over {counted(count, 'column')}: the first is {first}"
    return int(has_background)
