"""Ground truth in Open Images' formats: CSV files with boxes and with image-level labels, and a hierarchy of classes.

The formats are described at the data set's pages "Data Formats" (V4 and later) and "Open Images Challenge". Boxes are
0..1 of the image; the images' own headers give its size in pixels.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from detlite.accuracy.labels.annotations import AnnotatedImage, Annotations, Truth, image_of_file
from detlite.accuracy.labels.hierarchy import Hierarchy, read_hierarchy
from detlite.runtime.artifact import sha256_of
from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError

LARGEST_FILE_BYTES = 4 << 30  # the boxes of the training images have 2.3 GB
LONGEST_FIELD = 4096
SIDES = ("XMin", "YMin", "XMax", "YMax")


@dataclass(frozen=True)
class OpenImagesFiles:
    """Where the ground truth is.

    Attributes:
        images: the folder with `<ImageID>.jpg`.
        boxes: CSV with ImageID, LabelName, XMin, XMax, YMin, YMax, IsGroupOf.
        labels: CSV with ImageID, LabelName, Confidence: what people said is there (1) or is not (0); None without.
        hierarchy: JSON; None if the files are expanded already, or are to be taken as they are.
        names: CSV with a class's LabelName and its name in words; None if the model's labels are LabelNames.
    """

    images: Path
    boxes: Path
    labels: Path | None = None
    hierarchy: Path | None = None
    names: Path | None = None


@dataclass(frozen=True)
class _Box:
    image: str
    label: str
    sides: tuple[float, float, float, float]
    group_of: bool


def read_open_images(files: OpenImagesFiles, limit: int | None = None) -> Annotations:
    """Return the ground truth, expanded by the hierarchy where there is one; of the first *limit* images alone.

    Categories are the classes that a box has, in the order of their LabelNames; ids count from 1.

    Raises:
        InputError: a file is missing, damaged or of another format, or an image is not there.
    """
    boxes = list(_boxes(files.boxes))
    labels = list(_labels(files.labels)) if files.labels else []
    ids = sorted({box.image for box in boxes} | {image for image, _label, _there in labels})[:limit]
    numbers = {name: number for number, name in enumerate(ids, 1)}
    boxes = [box for box in boxes if box.image in numbers]
    labels = [row for row in labels if row[0] in numbers]
    if files.hierarchy:
        hierarchy = read_hierarchy(files.hierarchy)
        boxes, labels = list(_expanded_boxes(boxes, hierarchy, files)), list(_expanded_labels(labels, hierarchy))
    classes = {label: number for number, label in enumerate(sorted({box.label for box in boxes}), 1)}
    names = _names(files.names) if files.names else {}
    images = tuple(image_of_file(number, files.images / f"{name}.jpg") for name, number in numbers.items())
    truths = tuple(_truth(box, images[numbers[box.image] - 1], classes[box.label]) for box in boxes)
    verified = frozenset((numbers[image], classes[label]) for image, label, _there in labels if label in classes)
    categories = tuple((number, names.get(label, label)) for label, number in classes.items())
    return Annotations(images, truths, categories, _digest(files), None, "open-images", verified)


def _boxes(path: Path) -> Iterator[_Box]:
    for line, row in _rows(path, ("ImageID", "LabelName", *SIDES, "IsGroupOf")):
        x1, y1, x2, y2 = (_number(row[side], side, path, line) for side in SIDES)
        if x2 < x1 or y2 < y1:
            raise InputError(f"{path}, line {line}: the box goes from ({x1}, {y1}) to ({x2}, {y2}), want max over min")
        if row["IsGroupOf"] not in ("0", "1"):
            raise InputError(f"{path}, line {line}: IsGroupOf is {row['IsGroupOf'][:40]!r}, want 0 or 1")
        yield _Box(_image_id(row, path, line), row["LabelName"], (x1, y1, x2, y2), row["IsGroupOf"] == "1")


def _labels(path: Path) -> Iterator[tuple[str, str, bool]]:
    for line, row in _rows(path, ("ImageID", "LabelName", "Confidence")):
        confidence = _number(row["Confidence"], "Confidence", path, line)
        if confidence not in (0.0, 1.0):
            raise InputError(
                f"{path}, line {line}: Confidence is {confidence}: that label is a machine's; want people's, 0 or 1"
            )
        yield _image_id(row, path, line), row["LabelName"], confidence == 1.0


def _expanded_boxes(boxes: Sequence[_Box], hierarchy: Hierarchy, files: OpenImagesFiles) -> Iterator[_Box]:
    for box in boxes:
        if box.label not in hierarchy.above:
            raise InputError(f"{files.boxes} has boxes of {box.label!r}, which {files.hierarchy} does not know")
        yield box
        for label in sorted(hierarchy.above[box.label]):
            yield _Box(box.image, label, box.sides, box.group_of)


def _expanded_labels(labels: Sequence[tuple[str, str, bool]], hierarchy: Hierarchy) -> Iterator[tuple[str, str, bool]]:
    """Yield what follows: what is there is all that is above it, what is not there is nothing below it either."""
    for image, label, there in labels:
        yield image, label, there
        for other in (hierarchy.above if there else hierarchy.below).get(label, ()):
            yield image, other, there


def _rows(path: Path, columns: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield (line, values of *columns*) for each row of the CSV file at *path*."""
    try:
        if path.stat().st_size > LARGEST_FILE_BYTES:
            raise InputError(f"{path} has over {LARGEST_FILE_BYTES} bytes: it is not a file of Open Images")
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            header = [name.strip().lstrip("\ufeff") for name in next(reader, [])]
            missing = [name for name in columns if name not in header]
            if missing:
                raise InputError(f"{path} has no column {missing[0]!r}; want {','.join(columns)}")
            places = {name: header.index(name) for name in columns}
            for row in filter(None, reader):
                if len(row) != len(header) or max(map(len, row)) > LONGEST_FIELD:
                    raise InputError(
                        f"{path}, line {reader.line_num}: {counted(len(row), 'value')}, want {len(header)}: cut?"
                    )
                yield reader.line_num, {name: row[place] for name, place in places.items()}
    except OSError as error:
        raise InputError(f"{path} cannot be read as CSV: {error.strerror}") from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise InputError(f"{path} is no CSV file of Open Images: {error}") from error


def _number(text: str, what: str, path: Path, line: int) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise InputError(f"{path}, line {line}: {what} is {text[:40]!r}, want 0 to 1")
    return value


def _image_id(row: Mapping[str, str], path: Path, line: int) -> str:
    name = row["ImageID"]
    if not name or not name.replace("_", "").replace("-", "").isalnum():
        raise InputError(f"{path}, line {line}: ImageID is {name[:40]!r}, want such as 000a1249af2bc5f0")
    return name


def _names(path: Path) -> dict[str, str]:
    """Return the names of `class-descriptions-boxable.csv`: no header in V4 to V6, one in V7."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = [row for row in csv.reader(file, strict=True) if row]
    except (OSError, csv.Error, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read as class descriptions: {error}") from error
    if not rows or any(len(row) != 2 for row in rows):
        raise InputError(f"{path}: want two values a line, such as /m/011k07,Tortoise")
    return {label: name for label, name in rows if label != "LabelName"}


def _truth(box: _Box, image: AnnotatedImage, category: int) -> Truth:
    x1, y1, x2, y2 = box.sides
    sides = (x1 * image.width, y1 * image.height, (x2 - x1) * image.width, (y2 - y1) * image.height)
    return Truth(image.id, category, sides, sides[2] * sides[3], False, box.group_of)


def _digest(files: OpenImagesFiles) -> str:
    whole = hashlib.sha256()
    for path in (files.boxes, files.labels, files.hierarchy):
        if path:
            whole.update(bytes.fromhex(sha256_of(path)))
    return whole.hexdigest()
