"""Ground truth in Pascal VOC's format: an XML file for each image, images beside them, and lists of a split's images.

The format is described in the development kit's `devkit_doc`: pixels are counted from 1 and both ends belong to the
box, so that xmin 1 and xmax 10 are 10 pixels. They become COCO's x 0 and width 10, whose plain areas are those of
the development kit. The TF Object Detection API takes xmin and xmax unchanged: the same box a pixel smaller.
"""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from detlite.accuracy.labels.annotations import LARGEST_SIDE, AnnotatedImage, Annotations, Truth
from detlite.runtime.counts import agreed, counted
from detlite.runtime.errors import InputError
from detlite.runtime.image.files import SUFFIXES
from detlite.runtime.limited_file import read_limited

LARGEST_FILE_BYTES = 4 << 20  # the largest official one has 12 kB
IMAGE_FOLDERS = ("JPEGImages", "images")

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


def read_voc(folder: Path, split: str | None = None, *, scored: bool = True) -> tuple[Annotations, Path]:
    """Return the ground truth in *folder*, and the folder of its images.

    Args:
        folder: with `Annotations`, `JPEGImages` and `ImageSets` as VOC has them, or with XML files and images together.
        split: the name of a list in `ImageSets/Main` or `ImageSets`; None for every XML file there is.
        scored: whether it will be scored against; else sizes may be 0, and no object need be annotated.

    Raises:
        InputError: there is no annotation or no image for one, or a file is damaged or is not a VOC annotation.
    """
    files = annotation_files(folder, split)
    digest, images, objects = hashlib.sha256(), [], []
    for number, file in enumerate(files, 1):
        raw = read_limited(file, "a VOC annotation of one image", LARGEST_FILE_BYTES)
        digest.update(hashlib.sha256(raw).digest())
        height, width, found = _annotation(raw, file, least=1 if scored else 0)
        images.append(AnnotatedImage(number, image_of(folder, file).name, height, width))
        objects += [(number, one) for one in found]
    if scored and not objects:
        raise InputError(f"no object is annotated in {folder}: there is nothing to score against")
    categories = _categories(sorted({one.name for _number, one in objects}))
    numbers = {name: identity for identity, name in categories}
    truths = (
        Truth(number, numbers[one.name], one.box, one.box[2] * one.box[3], one.difficult) for number, one in objects
    )
    annotations = Annotations(tuple(images), tuple(truths), categories, digest.hexdigest(), split, "voc")
    return annotations, image_of(folder, files[0]).parent


def _annotation(raw: bytes, path: Path, *, least: int) -> tuple[int, int, list[_Object]]:
    """Return height and width, of *least* pixels, and the objects of an annotation."""
    root = _parse_annotation(raw, path)
    try:
        height, width = (int(_number(root, f"size/{side}", least)) for side in ("height", "width"))
        return height, width, [_object(element) for element in root.findall("object")]
    except ValueError as error:
        raise InputError(f"{path} is not a VOC annotation: {error}") from error


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


def _categories(names: Sequence[str]) -> tuple[tuple[int, str], ...]:
    known = CLASSES if set(names) <= set(CLASSES) else names
    return tuple(enumerate(known, 1))


def annotation_files(folder: Path, split: str | None = None) -> Sequence[Path]:
    """Return the XML files in *folder*, or in its `Annotations`: those of *split*, or all, by name.

    Raises:
        InputError: there is none, or no such split.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder: want one with Annotations and JPEGImages, as Pascal VOC's")
    annotations = folder / "Annotations" if (folder / "Annotations").is_dir() else folder
    return _all(annotations) if split is None else _of_split(annotations, folder, split)


def image_of(folder: Path, annotation: Path) -> Path:
    """Return the image that belongs to the file *annotation* of *folder*.

    Raises:
        InputError: there is none.
    """
    images = next((folder / name for name in IMAGE_FOLDERS if (folder / name).is_dir()), folder)
    found = (images / f"{annotation.stem}{suffix}" for suffix in (*SUFFIXES, *map(str.upper, SUFFIXES)))
    path = next((path for path in found if path.is_file()), None)
    if path is None:
        raise InputError(
            f"{images} holds no image called {annotation.stem} ({', '.join(SUFFIXES)}), as {annotation.name} needs"
        )
    return path


def _parse_annotation(raw: bytes, path: Path) -> Any:
    """Return the root element of the annotation *raw*, which is of the file at *path*.

    Raises:
        InputError: it is not XML, not safe XML (entities, a DTD), or not a VOC annotation.
    """
    from xml.etree.ElementTree import ParseError

    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    try:
        root = fromstring(raw, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError, RecursionError) as error:
        reason = type(error).__name__ if isinstance(error, DefusedXmlException) else error
        raise InputError(f"{path} is no whole XML, or not a safe one ({reason}): get it again") from error
    if root.tag != "annotation":
        raise InputError(f"{path} is not a VOC annotation: it begins with <{root.tag[:40]}>, want <annotation>")
    return root


def _all(annotations: Path) -> Sequence[Path]:
    found = sorted(annotations.glob("*.xml"))
    if not found:
        raise InputError(f"{annotations} holds no .xml file: want Pascal VOC annotations, one for each image")
    return found


def _of_split(annotations: Path, folder: Path, split: str) -> Sequence[Path]:
    lists = (folder / "ImageSets" / "Main" / f"{split}.txt", folder / "ImageSets" / f"{split}.txt")
    path = next((one for one in lists if one.is_file()), None)
    if path is None or Path(split).name != split:
        known = sorted({one.stem for one in (folder / "ImageSets").rglob("*.txt")})[:12]
        raise InputError(f"{folder} has no split {split!r}; there are: {', '.join(known) or 'none'}")
    try:
        names = [words[0] for words in map(str.split, path.read_text(encoding="utf-8-sig").splitlines()) if words]
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read as a list of images: {error}") from error
    wrong = next((name for name in names if Path(name).name != name), None)
    if wrong is not None or not names or len(set(names)) < len(names):
        what = (
            f"{wrong!r} is none" if wrong else f"{counted(len(names), 'line')} with {counted(len(set(names)), 'name')}"
        )
        raise InputError(f"{path}: want the name of one image a line, each once; it has {what}")
    found = [annotations / f"{name}.xml" for name in names]
    missing = [one for one in found if not os.path.isfile(one)]  # noqa: PTH113  # a Path raises for a name too long
    if missing:
        raise InputError(
            f"{len(missing)} of the {counted(len(found), 'annotation')} of {path} {agreed(len(missing), 'is', 'are')} "
            f"missing; first {missing[0]}"
        )
    return found
