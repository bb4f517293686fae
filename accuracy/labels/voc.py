"""Ground truth in Pascal VOC's format: a folder with one XML file for each image.

The format is described in the development kit's `devkit_doc`: pixels are counted from 1 and both ends belong to the
box, so that xmin 1 and xmax 10 are 10 pixels. They become COCO's x 0 and width 10, of which plain areas are those of
the development kit. The TF Object Detection API takes xmin and xmax as they stand: the same box a pixel smaller.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from detlite.accuracy.labels.annotations import LARGEST_SIDE, AnnotatedImage, Annotations, Truth
from detlite.accuracy.labels.voc_files import annotation_files, image_of, parse_annotation, read_annotation
from detlite.runtime.errors import InputError

CLASSES = (
    *("aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow"),
    *("diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor"),
)
"""The classes of VOC 2007 to 2012, in the order of its label maps: ids count from 1."""


@dataclass(frozen=True)
class _Object:
    """An `object` of a file: its class, its box as `Truth.box`, and whether it is difficult."""

    name: str
    box: tuple[float, float, float, float]
    difficult: bool


def read_voc(folder: Path, split: str | None = None) -> tuple[Annotations, Path]:
    """Return the ground truth in *folder*, and the folder of its images.

    Args:
        folder: with `Annotations`, `JPEGImages` and `ImageSets` as VOC has them, or with XML files and images together.
        split: the name of a list in `ImageSets/Main` or `ImageSets`; None for every XML file there is.

    Raises:
        InputError: there is no annotation or no image for one, or a file is damaged or is no VOC annotation.
    """
    files = annotation_files(folder, split)
    images_folder = image_of(folder, files[0]).parent
    digest, images, objects = hashlib.sha256(), [], []
    for number, file in enumerate(files, 1):
        raw = read_annotation(file)
        digest.update(hashlib.sha256(raw).digest())
        height, width, found = _annotation(raw, file)
        images.append(AnnotatedImage(number, image_of(folder, file).name, height, width))
        objects += [(number, one) for one in found]
    categories = _categories(sorted({one.name for _number, one in objects}), folder)
    numbers = {name: identity for identity, name in categories}
    truths = (
        Truth(number, numbers[one.name], one.box, one.box[2] * one.box[3], one.difficult) for number, one in objects
    )
    annotations = Annotations(tuple(images), tuple(truths), categories, digest.hexdigest(), split, "voc")
    return annotations, images_folder


def _annotation(raw: bytes, path: Path) -> tuple[int, int, list[_Object]]:
    """Return height, width and objects of an annotation."""
    root = parse_annotation(raw, path)
    try:
        height, width = (int(_number(root, f"size/{side}", 1)) for side in ("height", "width"))
        return height, width, [_object(element) for element in root.findall("object")]
    except ValueError as error:
        raise InputError(f"{path} is no VOC annotation: {error}") from error


def _object(element: Any) -> _Object:
    name = (element.findtext("name") or "").strip()
    if not name or len(name) > 200:
        raise ValueError(f"an object is called {name[:40]!r}, want the name of its class")
    x1, y1, x2, y2 = (_number(element, f"bndbox/{key}", -LARGEST_SIDE) for key in ("xmin", "ymin", "xmax", "ymax"))
    if x2 < x1 or y2 < y1:
        raise ValueError(f"the box of a {name} goes from ({x1:g}, {y1:g}) to ({x2:g}, {y2:g}), want max at least min")
    difficult = (element.findtext("difficult") or "0").strip()
    if difficult not in ("0", "1"):
        raise ValueError(f"difficult is {difficult[:40]!r}, want 0 or 1")
    return _Object(name, (x1 - 1, y1 - 1, x2 - x1 + 1, y2 - y1 + 1), difficult == "1")


def _number(element: Any, where: str, low: float) -> float:
    text = (element.findtext(where) or "").strip()
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not low <= value <= LARGEST_SIDE:
        raise ValueError(f"{where} is {text[:40]!r}, want pixels from {low:g} to {LARGEST_SIDE}")
    return value


def _categories(names: Sequence[str], folder: Path) -> tuple[tuple[int, str], ...]:
    if not names:
        raise InputError(f"no object is annotated in {folder}: there is nothing to score against")
    known = CLASSES if set(names) <= set(CLASSES) else names
    return tuple(enumerate(known, 1))
