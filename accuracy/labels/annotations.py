"""Ground truth, and how it is read from COCO's format: an `instances.json` and the folder of its images.

The format is described at cocodataset.org, "Data format": boxes are [x, y, width, height] in pixels.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, TypeVar

from detlite.runtime.errors import InputError

LARGEST_SIDE = 1 << 20  # pixels: over what any picture format in use holds
LARGEST_FILE_BYTES = 2 << 30  # the largest official file, LVIS train, has 1.1 GB

Row = Mapping[str, Any]
T = TypeVar("T")


@dataclass(frozen=True)
class AnnotatedImage:
    """One image: its COCO id, its file's name in the images folder, its size in pixels."""

    id: int
    file_name: str
    height: int
    width: int


@dataclass(frozen=True)
class Truth:
    """One annotated object: *box* is COCO's (x, y, width, height) in pixels, *area* in square pixels.

    A *crowd* is a region with more objects than were counted: what is found in it is neither right nor wrong. Pascal
    VOC's difficult objects are crowds here. *group_of* is Open Images' box around more than five objects that touch.
    """

    image_id: int
    category_id: int
    box: tuple[float, float, float, float]
    area: float
    crowd: bool
    group_of: bool = False


@dataclass(frozen=True)
class Annotations:
    """A ground truth.

    Attributes:
        images: in the order of the file.
        truths: the objects, in the order of the file.
        categories: (id, name), in the order of the file.
        sha256: of the whole file, in hex.
        split: such as `val2017`, where the file's `coco_url`s agree on one; else None.
        origin: the format that it was read from: `coco`, `voc` or `open-images`.
        verified: (image id, category id) of which people said that it is there, or that it is not; Open Images only.
    """

    images: tuple[AnnotatedImage, ...]
    truths: tuple[Truth, ...]
    categories: tuple[tuple[int, str], ...]
    sha256: str
    split: str | None = None
    origin: str = "coco"
    verified: frozenset[tuple[int, int]] = frozenset()

    def first(self, count: int) -> Annotations:
        """Return the first *count* images with their objects; the categories stay."""
        if count < 1:
            raise InputError(f"a limit of {count} images: it must be at least 1")
        images = self.images[:count]
        kept = {image.id for image in images}
        return replace(
            self,
            images=images,
            truths=tuple(t for t in self.truths if t.image_id in kept),
            verified=frozenset(pair for pair in self.verified if pair[0] in kept),
        )

    def of_categories(self, kept: frozenset[int]) -> Annotations:
        """Return the same images with the objects of the categories *kept* alone."""
        return replace(
            self,
            truths=tuple(t for t in self.truths if t.category_id in kept),
            categories=tuple(pair for pair in self.categories if pair[0] in kept),
            verified=frozenset(pair for pair in self.verified if pair[1] in kept),
        )


def read_annotations(path: Path) -> Annotations:
    """Return the ground truth in the COCO file at *path*.

    Raises:
        InputError: it is no COCO instances file, is damaged, names images or categories that it does not list,
            or has an id twice.
    """
    raw = _read_bytes(path)
    try:
        record = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is not whole JSON ({error}); want a COCO instances file: get it again") from error
    rows = {key: _rows(record, key, path) for key in ("images", "annotations", "categories")}
    images = _each(rows["images"], _image, "image", path)
    categories = _each(rows["categories"], _category, "category", path)
    _unique((image.id for image in images), "image id", path)
    _unique((image.file_name for image in images), "file_name", path)
    _unique((identity for identity, _name in categories), "category id", path)
    truths = _each(rows["annotations"], _truth, "annotation", path)
    _unique((row["id"] for row in rows["annotations"]), "annotation id", path)
    _known((t.image_id for t in truths), {image.id for image in images}, "image", path)
    _known((t.category_id for t in truths), {identity for identity, _name in categories}, "category", path)
    digest = hashlib.sha256(raw).hexdigest()
    return Annotations(images, truths, categories, digest, _split_of(rows["images"]))


def check_image_files(annotations: Annotations, folder: Path) -> tuple[Path, ...]:
    """Return the path of each image in *folder*; `InputError` says how many are missing, and the first."""
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder: want the one with the images that the annotations list")
    paths = tuple(folder / image.file_name for image in annotations.images)
    missing = [path for path in paths if not path.is_file()]
    if missing:
        raise InputError(
            f"{len(missing)} of {len(paths)} images that the annotations list are missing in {folder}; the first "
            f"is {missing[0].name}: give the folder that belongs to the annotations, or --limit"
        )
    return paths


def _read_bytes(path: Path) -> bytes:
    try:
        if path.stat().st_size > LARGEST_FILE_BYTES:
            raise InputError(f"{path} has over {LARGEST_FILE_BYTES} bytes: it is no COCO instances file")
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read as COCO annotations: {error.strerror}") from error


def _rows(record: object, key: str, path: Path) -> list[Row]:
    if not isinstance(record, dict) or key not in record:
        found = f"keys {', '.join(map(repr, list(record)[:6]))}" if isinstance(record, dict) else "no object"
        raise InputError(f"{path} is no COCO instances file: it has no {key!r} ({found})")
    rows = record[key]
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise InputError(f"{path}: {key!r} must be a list of objects")
    if not rows:
        raise InputError(f"{path}: {key!r} is empty: there is nothing to score against")
    return rows


def _each(rows: list[Row], make: Callable[[Row], T], what: str, path: Path) -> tuple[T, ...]:
    made = []
    for place, row in enumerate(rows):
        try:
            made.append(make(row))
        except KeyError as error:
            raise InputError(f"{path}: {what} {place} has no {error}: it is no COCO instances file") from error
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
    name = row["file_name"]
    if not isinstance(name, str) or not name or "\0" in name:
        raise ValueError(f"file_name is {name!r}, want the name of a file")
    for kind in (PurePosixPath, PureWindowsPath):
        if kind(name).is_absolute() or ".." in kind(name).parts:
            raise ValueError(f"file_name {name!r} leads out of the images folder")
    height, width = (_integer(row[key], key, 1, LARGEST_SIDE) for key in ("height", "width"))
    return AnnotatedImage(_id(row, "id"), name, height, width)


def _category(row: Row) -> tuple[int, str]:
    if not isinstance(row["name"], str):
        raise TypeError(f"name is {row['name']!r}, want text")
    return _id(row, "id"), row["name"]


def _truth(row: Row) -> Truth:
    _id(row, "id")
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


def _unique(values: Iterable[object], what: str, path: Path) -> None:
    seen: set[object] = set()
    for value in values:
        if value in seen:
            raise InputError(f"{path}: {what} {value!r} is there twice; want each once")
        seen.add(value)


def _known(named: Iterable[int], listed: set[int], what: str, path: Path) -> None:
    unknown = [identity for identity in named if identity not in listed]
    if unknown:
        raise InputError(
            f"{path}: {len(unknown)} annotations name no listed {what}; the first names {what} {unknown[0]}"
        )


def _split_of(rows: list[Row]) -> str | None:
    folders = {str(row.get("coco_url", "")).rpartition("/")[0].rpartition("/")[2] for row in rows}
    return next(iter(folders)) or None if len(folders) == 1 else None
