"""Pascal VOC's format: an XML file for each image."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from detlite.accuracy.image_source import ImageSource, Item, Object
from detlite.accuracy.labels.voc_files import annotation_files, image_of, parse_annotation, read_annotation
from detlite.runtime.errors import InputError


def items(paths: Sequence[Path]) -> Iterator[Item]:
    """Yield the image of each XML file, by name, or of those of one split, with its objects."""
    folder, split = _folder_and_split(paths[0])
    for file in annotation_files(folder, split):
        root = parse_annotation(read_annotation(file), file)
        try:
            pixels = _number(root, "size/width") * _number(root, "size/height")
            objects = tuple(_object(element, pixels) for element in root.findall("object"))
        except ValueError as error:
            raise InputError(f"{file} is no VOC annotation: {error}") from error
        path = image_of(folder, file)
        yield Item(path.name, path=path, objects=objects)


def _folder_and_split(path: Path) -> tuple[Path, str | None]:
    """Return the folder of *path* and, where that is one of the lists in its `ImageSets`, the name of the list."""
    sets = next((parent for parent in path.parents[:2] if parent.name == "ImageSets"), None)
    return (path, None) if sets is None or path.is_dir() else (sets.parent, path.stem)


def _object(element: Any, pixels: float) -> Object:
    width, height = (_number(element, f"bndbox/{axis}max") - _number(element, f"bndbox/{axis}min") + 1 for axis in "xy")
    name = (element.findtext("name") or "").strip()
    return Object(name, width * height / pixels if pixels > 0 else None)


def _number(element: Any, where: str) -> float:
    text = element.findtext(where) or ""
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{where} is {text[:40]!r}, want a number of pixels") from None


PLUGIN = ImageSource(title="Pascal VOC's folder, or a list in its ImageSets.", takes=("FOLDER",), items=items)
