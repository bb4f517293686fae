"""Ground truth of KITTI's 2D object detection: a text file for each image, a line for each object.

The format is described in the `readme.txt` of its development kit: type, truncated, occluded, alpha, the box (left,
top, right, bottom, in pixels from 0 on), and seven numbers of the object in space. What resembles a class (a van, a
person who sits) does not count for it, and what lies in a region called DontCare does not count either. Levels of
difficulty are not told apart.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from detlite.accuracy.labels.annotations import LARGEST_SIDE, AnnotatedImage, Annotations, Truth, image_of_file
from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError, unknown_name
from detlite.runtime.image.files import SUFFIXES
from detlite.runtime.limited_file import read_limited

LABELS, IMAGES, TRAINING = "label_2", "image_2", "training"
TYPES = ("car", "van", "truck", "pedestrian", "person_sitting", "cyclist", "tram", "misc")
DONT_CARE = "dontcare"
RESEMBLING = {"van": "car", "person_sitting": "pedestrian"}
DEFAULT_CLASSES = ("car", "pedestrian")
"""Of the zoo's model, and of `create_kitti_tf_record.py`."""

FIELDS, BOX_AT = 15, 4
LARGEST_FILE_BYTES = 1 << 20  # the largest official one has 2 kB


@dataclass(frozen=True)
class _Object:
    """A line: its type in lower case, and its box as `Truth.box`."""

    kind: str
    box: tuple[float, float, float, float]


def read_kitti(
    folder: Path, classes: Sequence[str] = DEFAULT_CLASSES, *, scored: bool = True
) -> tuple[Annotations, Path]:
    """Return the ground truth of *classes* in *folder*, and the folder of its images.

    *folder* has `label_2` and `image_2`, or a folder `training` with these. No object need be annotated unless it is
    *scored* against.

    Raises:
        InputError: it has not, a class is given twice, an image is missing, a file is damaged or is none of KITTI's, or
            nothing is annotated.
        UnknownNameError: KITTI has no such class.
    """
    for name in classes:
        if name not in TYPES:
            raise unknown_name("class of KITTI", name, TYPES)
    if len(set(classes)) < len(classes):
        raise InputError(f"the classes {', '.join(classes)}: want each of them once")
    root = next((one for one in (folder, folder / TRAINING) if (one / LABELS).is_dir()), None)
    if root is None:
        raise InputError(f"{folder} has no {LABELS}, and no {TRAINING}/{LABELS}: give the folder of KITTI's 2D objects")
    files = sorted((root / LABELS).glob("*.txt"))
    if not files:
        raise InputError(f"{root / LABELS} holds no .txt file: want KITTI's labels, one for each image")
    numbers = {name: number for number, name in enumerate(classes, 1)}
    digest, images, truths = hashlib.sha256(), list[AnnotatedImage](), list[Truth]()
    for number, file in enumerate(files, 1):
        raw = read_limited(file, "a label file of KITTI", LARGEST_FILE_BYTES)
        digest.update(hashlib.sha256(raw).digest())
        images.append(image_of_file(number, _image(root / IMAGES, file)))
        truths += [truth for one in _objects(raw, file) for truth in _truths(one, number, numbers)]
    if scored and all(truth.crowd or truth.group_of for truth in truths):
        raise InputError(f"no {' or '.join(classes)} is annotated in {root / LABELS}: nothing to score against")
    categories = tuple((number, name) for name, number in numbers.items())
    return Annotations(tuple(images), tuple(truths), categories, digest.hexdigest(), None, "kitti"), root / IMAGES


def _truths(found: _Object, image: int, numbers: dict[str, int]) -> list[Truth]:
    """Return what an object is for each of the classes *numbers* that it matters to."""
    area = found.box[2] * found.box[3]
    if found.kind == DONT_CARE:
        return [Truth(image, number, found.box, area, crowd=False, group_of=True) for number in numbers.values()]
    if found.kind in numbers:
        return [Truth(image, numbers[found.kind], found.box, area, crowd=False)]
    resembled = numbers.get(RESEMBLING.get(found.kind, ""))
    return [] if resembled is None else [Truth(image, resembled, found.box, area, crowd=True)]


def _objects(raw: bytes, path: Path) -> list[_Object]:
    try:
        lines = raw.decode("ascii").splitlines()
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is no text file of KITTI: {error.reason}") from error
    return [_object(line.split(), f"{path}, line {number}") for number, line in enumerate(lines, 1) if line.strip()]


def _object(words: list[str], where: str) -> _Object:
    if len(words) != FIELDS:
        what = "; a detector's results have one more" if len(words) == FIELDS + 1 else ""
        raise InputError(f"{where}: {counted(len(words), 'value')}, want {FIELDS} of a labelled object{what}")
    kind = words[0].lower()
    if kind not in (*TYPES, DONT_CARE):
        raise InputError(f"{where}: the type {words[0][:40]!r}, want one of {', '.join(TYPES)} or DontCare")
    try:
        x1, y1, x2, y2 = map(float, words[BOX_AT : BOX_AT + 4])
    except ValueError as error:
        raise InputError(f"{where}: {error}, want the box's left, top, right and bottom in pixels") from error
    if not all(math.isfinite(side) and abs(side) <= LARGEST_SIDE for side in (x1, y1, x2, y2)) or x2 < x1 or y2 < y1:
        raise InputError(f"{where}: the box goes from ({x1:g}, {y1:g}) to ({x2:g}, {y2:g}), want pixels, max over min")
    return _Object(kind, (x1, y1, x2 - x1, y2 - y1))


def _image(folder: Path, label: Path) -> Path:
    found = (folder / f"{label.stem}{suffix}" for suffix in SUFFIXES)
    path = next((path for path in found if path.is_file()), None)
    if path is None:
        raise InputError(f"{folder} holds no image called {label.stem} ({', '.join(SUFFIXES)}), as {label.name} needs")
    return path
