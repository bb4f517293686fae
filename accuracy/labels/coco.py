"""Ground truth in COCO's format: a JSON file with images, categories, and the objects in the images.

The format is described at cocodataset.org, "Data format": boxes are [x, y, width, height] in pixels; a segmentation is
a list of polygons, or a mask by its run lengths.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, TypeVar

from detlite.accuracy.labels.annotations import (
    LARGEST_SIDE,
    AnnotatedImage,
    Annotations,
    Polygons,
    RunLengths,
    Truth,
)
from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError
from detlite.runtime.limited_file import read_limited
from detlite.runtime.strict_json import parse_json

LARGEST_FILE_BYTES = 2 << 30  # the largest official file, LVIS train, has 1.1 GB
FEWEST_COORDINATES = 6  # of a polygon: three corners
LONGEST_RUN_BITS = 45
MARKS = (0.0, 1.0, 2.0)
"""Of keypoints: not labelled, labelled and hidden, visible."""

ID_KEYS = ("id", "image_id", "category_id")

Row = Mapping[str, Any]
T = TypeVar("T")


def read_annotations(
    path: Path, *, masks: bool = False, keypoints: bool = False, scored: bool = True, text_ids: bool = False
) -> Annotations:
    """Return the ground truth in the COCO file at *path*.

    Args:
        path: the JSON file.
        masks: whether the objects' masks are read too.
        keypoints: whether their keypoints, and the names of these, are read too.
        scored: whether it will be scored against; else images may lack their sizes, and the file its objects, as
            COCO's test sets do.
        text_ids: whether images and categories may have texts as ids, which COCO's own tools refuse; they get numbers.

    Raises:
        InputError: it is not a COCO instances file, is damaged, names images or categories that it does not list,
            or has an id twice.
    """
    raw = read_limited(path, "COCO annotations", LARGEST_FILE_BYTES)
    try:
        record = parse_json(raw)
    except InputError as error:
        raise InputError(f"{path} is not whole JSON ({error}); want a COCO instances file: get it again") from error
    rows = {key: _rows(record, key, path, needed=scored) for key in ("annotations", "categories")}
    rows["images"] = _rows(record, "images", path)
    numbered = _numbered(rows) if text_ids else rows
    images = _each(numbered["images"], _image if scored else _image_of_any_size, "image", path)
    categories = _each(numbered["categories"], _category, "category", path)
    truths = _each(
        numbered["annotations"], _marked_truth if keypoints else _masked_truth if masks else _truth, "annotation", path
    )
    if scored:
        _unique(_each_id(rows["annotations"], path), "annotation id", path)
    _check_references(rows, path)
    digest = hashlib.sha256(raw).hexdigest()
    names = dict(_each(numbered["categories"], _keypoint_names, "category", path)) if keypoints else {}
    return Annotations(images, truths, categories, digest, _split_of(rows["images"]), keypoint_names=names)


def _numbered(rows: dict[str, list[Row]]) -> dict[str, list[Row]]:
    """Return *rows* with a whole number in the place of each text that is an id, or refers to one."""
    ids = [row.get("id") for key in ("images", "categories") for row in rows[key]]
    if not any(isinstance(one, str) for one in ids):
        return rows
    first = 1 + max((one for one in ids if isinstance(one, int)), default=0)
    numbers: dict[str, int] = {}

    def number(value: object) -> object:
        return numbers.setdefault(value, first + len(numbers)) if isinstance(value, str) else value

    return {
        key: [{name: number(value) if name in ID_KEYS else value for name, value in row.items()} for row in group]
        for key, group in rows.items()
    }


def _check_references(rows: dict[str, list[Row]], path: Path) -> None:
    """Raise `InputError` where an id or a file name is there twice, or an annotation refers to none that is listed."""
    for what, key in (("image", "images"), ("category", "categories")):
        _unique((row["id"] for row in rows[key]), f"{what} id", path)
        _known((row[f"{what}_id"] for row in rows["annotations"]), {row["id"] for row in rows[key]}, what, path)
    _unique((row["file_name"] for row in rows["images"]), "file_name", path)


def _rows(record: object, key: str, path: Path, *, needed: bool = True) -> list[Row]:
    if isinstance(record, dict) and not needed and not record.get(key):
        return []
    if not isinstance(record, dict) or key not in record:
        found = f"keys {', '.join(map(repr, list(record)[:6]))}" if isinstance(record, dict) else "no object"
        raise InputError(f"{path} is not a COCO instances file: it has no {key!r} ({found})")
    rows = record[key]
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise InputError(f"{path}: {key!r} must be a list of objects")
    if not rows:
        raise InputError(f"{path}: {key!r} is empty: give a file with some")
    return rows


def _each(rows: list[Row], make: Callable[[Row], T], what: str, path: Path) -> tuple[T, ...]:
    made = []
    for place, row in enumerate(rows):
        try:
            made.append(make(row))
        except KeyError as error:
            raise InputError(f"{path}: {what} {place} has no {error}: it is not a COCO instances file") from error
        except (TypeError, ValueError, OverflowError) as error:
            raise InputError(f"{path}: {what} {place} is not right: {error}") from error
    return tuple(made)


def _integer(value: object, what: str, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ValueError(f"{what} is {value!r}, want a whole number from {low} to {high}")
    return value


def _id(row: Row, key: str) -> int:
    return _integer(row[key], key, 0, (1 << 62))


def _image(row: Row) -> AnnotatedImage:
    height, width = (_integer(row[key], key, 1, LARGEST_SIDE) for key in ("height", "width"))
    return AnnotatedImage(_id(row, "id"), _file_name(row), height, width)


def _image_of_any_size(row: Row) -> AnnotatedImage:
    height, width = (_integer(row.get(key) or 0, key, 0, LARGEST_SIDE) for key in ("height", "width"))
    return AnnotatedImage(_id(row, "id"), _file_name(row), height, width)


def _file_name(row: Row) -> str:
    name = row["file_name"]
    if not isinstance(name, str) or not name or "\0" in name:
        raise ValueError(f"file_name is {name!r}, want the name of a file")
    for kind in (PurePosixPath, PureWindowsPath):
        if kind(name).is_absolute() or ".." in kind(name).parts:
            raise ValueError(f"file_name {name!r} leads out of the images folder")
    return name


def _category(row: Row) -> tuple[int, str]:
    if not isinstance(row["name"], str):
        raise TypeError(f"name is {row['name']!r}, want text")
    return _id(row, "id"), row["name"]


def _truth(row: Row) -> Truth:
    if not isinstance(row["bbox"], list):
        raise TypeError(f"bbox {row['bbox']!r}, want [x, y, width, height]")
    x, y, width, height = map(float, row["bbox"])
    if not all(map(math.isfinite, (x, y, width, height))) or width < 0 or height < 0:
        raise ValueError(f"bbox {row['bbox']!r}, want [x, y, width, height] in pixels, none negative in size")
    area = float(row.get("area", width * height))
    if not (math.isfinite(area) and area >= 0):
        raise ValueError(f"area {row['area']!r}, want square pixels")
    crowd = bool(_integer(row.get("iscrowd", 0), "iscrowd", 0, 1))
    return Truth(_id(row, "image_id"), _id(row, "category_id"), (x, y, width, height), area, crowd)


def _keypoint_names(row: Row) -> tuple[int, tuple[str, ...]]:
    names = row.get("keypoints", [])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise TypeError(f"keypoints are {str(names)[:60]}, want a list of names")
    return _id(row, "id"), tuple(names)


def _marked_truth(row: Row) -> Truth:
    values = row.get("keypoints", [])
    if not isinstance(values, list):
        raise TypeError(f"keypoints are {str(values)[:60]}, want numbers: x, y and a mark for each")
    numbers = tuple(map(float, values))
    if len(numbers) % 3 or not all(map(math.isfinite, numbers)):
        raise ValueError(f"{counted(len(numbers), 'number')} of keypoints, want x, y and a mark for each, all finite")
    unknown = [mark for mark in numbers[2::3] if mark not in MARKS]
    if unknown:
        raise ValueError(f"a keypoint has the mark {unknown[0]:g}, want 0 (not labelled), 1 (hidden) or 2 (visible)")
    return replace(_truth(row), keypoints=numbers)


def _masked_truth(row: Row) -> Truth:
    return replace(_truth(row), mask=_mask(row["segmentation"]))


def _mask(value: object) -> Polygons | RunLengths:
    if isinstance(value, dict):
        height, width = (_integer(side, "a side of the segmentation", 1, LARGEST_SIDE) for side in value["size"])
        given = value["counts"]
        runs = _unpacked(given) if isinstance(given, str) else given
        counts = tuple(_integer(count, "a run of the segmentation", 0, height * width) for count in runs)
        if sum(counts) != height * width:
            raise ValueError(f"the runs of the segmentation cover {sum(counts)} pixels of {height} x {width}")
        return RunLengths((height, width), counts)
    if not isinstance(value, list) or not value:
        raise TypeError(f"segmentation is {str(value)[:60]}, want polygons or run lengths")
    polygons = tuple(tuple(map(float, polygon)) for polygon in value)
    if any(len(one) < FEWEST_COORDINATES or len(one) % 2 or not all(map(math.isfinite, one)) for one in polygons):
        raise ValueError("segmentation has a polygon that is not at least three corners (x, y) in pixels")
    return polygons


def _unpacked(text: str) -> list[int]:
    """Return the run lengths in COCO's compressed *text*: see `rleFrString` of cocoapi's maskApi.c."""
    counts: list[int] = []
    value = shift = 0
    for character in text:
        part = ord(character) - 48
        value |= (part & 0x1F) << shift
        shift += 5
        if shift > LONGEST_RUN_BITS:
            raise ValueError("the segmentation has a run that is longer than any image")
        if not part & 0x20:
            value -= (1 << shift) if part & 0x10 else 0
            counts.append(value + (counts[-2] if len(counts) > 2 else 0))
            value = shift = 0
    return counts


def _each_id(rows: list[Row], path: Path) -> tuple[int, ...]:
    return _each(rows, lambda row: _id(row, "id"), "annotation", path)


def _unique(values: Iterable[object], what: str, path: Path) -> None:
    seen: set[object] = set()
    for value in values:
        if value in seen:
            raise InputError(f"{path}: {what} {value!r} is there twice; want each once")
        seen.add(value)


def _known(named: Iterable[object], listed: set[object], what: str, path: Path) -> None:
    unknown = [identity for identity in named if identity not in listed]
    if unknown:
        raise InputError(
            f"{path}: {counted(len(unknown), 'annotation names', 'annotations name')} no listed {what}; the first "
            f"names {what} {unknown[0]}"
        )


def _split_of(rows: list[Row]) -> str | None:
    folders = {str(row.get("coco_url", "")).rpartition("/")[0].rpartition("/")[2] for row in rows}
    return next(iter(folders)) or None if len(folders) == 1 else None
