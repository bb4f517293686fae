"""COCO's format: a folder of images, and a JSON file that names them and the objects in them.

The format is described at cocodataset.org, "Data format". Of the annotations only what a choice of images needs is
read; `detlite evaluate` reads the rest, and checks it.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from detlite.accuracy.image_source import ImageSource, Item, Object, check_files
from detlite.runtime.errors import InputError

MOST_BYTES = 4 << 30  # the largest official file has 0.5 GB


def items(paths: Sequence[Path]) -> Iterator[Item]:
    """Yield the images that the JSON file names, in its order, with their objects where it has annotations."""
    folder, file = paths
    try:
        record = _read(file)
        if record["images"] == []:
            raise InputError(f"{file} names no image")
        images = {image["id"]: (_safe(image["file_name"]), _area(image)) for image in record["images"]}
        objects = _objects(record, {identity: area for identity, (_name, area) in images.items()})
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise InputError(f"{file} is no COCO annotation file: {type(error).__name__}: {str(error)[:200]}") from error
    check_files([folder / name for name, _area in images.values()], str(file))
    for identity, (name, _pixels) in images.items():
        yield Item(name, path=folder / name, objects=None if objects is None else tuple(objects[identity]))


def _read(file: Path) -> Any:
    try:
        if file.stat().st_size > MOST_BYTES:
            raise InputError(f"{file} has over {MOST_BYTES} bytes: it is no COCO annotation file")
        return json.loads(file.read_bytes())
    except OSError as error:
        raise InputError(f"{file} cannot be read as a COCO annotation file: {error.strerror}") from error


def _safe(name: object) -> str:
    if not isinstance(name, str) or not name or "\0" in name:
        raise ValueError(f"file_name is {name!r}, want the name of a file")
    for kind in (PurePosixPath, PureWindowsPath):
        if kind(name).is_absolute() or ".." in kind(name).parts:
            raise ValueError(f"file_name {name!r} leads out of the images folder")
    return name


def _area(image: Any) -> float | None:
    """Return how many pixels *image* has; None where the file does not say."""
    area = float(image.get("width") or 0) * float(image.get("height") or 0)
    return area if area > 0 else None


def _objects(record: Any, areas: dict[Any, float | None]) -> dict[Any, list[Object]] | None:
    """Return the objects of each image by its id; None where the file has no annotations, as COCO's test sets."""
    if not record.get("annotations"):
        return None
    names = {category["id"]: str(category["name"]) for category in record["categories"]}
    found: dict[Any, list[Object]] = defaultdict(list)
    for annotation in record["annotations"]:
        whole = areas[annotation["image_id"]]
        width, height = map(float, annotation["bbox"][2:4])
        area = None if whole is None else width * height / whole
        found[annotation["image_id"]].append(Object(names[annotation["category_id"]], area))
    return found


PLUGIN = ImageSource(title="COCO images.", takes=("IMAGES", "ANNOTATIONS"), items=items)
