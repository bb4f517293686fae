"""COCO's format: a folder of images, and a JSON file that names them and the objects in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from detlite.accuracy.dataset import Dataset, DatasetFiles, Item, LabelReader, check_files

if TYPE_CHECKING:
    from detlite.accuracy.labels.annotations import Annotations


def items(paths: Sequence[Path]) -> Iterator[Item]:
    """Yield the images that the JSON file names, in its order, with their objects where it has annotations."""
    folder, file = paths
    annotations = _read(file, scored=False, text_ids=True)
    files = [folder / image.file_name for image in annotations.images]
    check_files(files, str(file))
    return annotations.items(files)


def _detection(files: DatasetFiles) -> tuple[Annotations, Path]:
    folder, file = files.paths
    return _read(file), folder


def _instances(files: DatasetFiles) -> tuple[Annotations, Path]:
    folder, file = files.paths
    return _read(file, masks=True), folder


def _keypoints(files: DatasetFiles) -> tuple[Annotations, Path]:
    folder, file = files.paths
    return _read(file, keypoints=True), folder


def _read(file: Path, **options: bool) -> Annotations:
    from detlite.accuracy.labels.coco import read_annotations

    return read_annotations(file, **options)


PLUGIN = Dataset(
    title="COCO: a folder of images, and an instances JSON file.",
    takes=("IMAGES", "ANNOTATIONS"),
    items=items,
    labels={
        "detection": LabelReader(_detection, "coco"),
        "instances": LabelReader(_instances, "coco-masks"),
        "keypoints": LabelReader(_keypoints, "coco-keypoints"),
    },
)
