"""A folder with a sub-folder of images for each class, as ImageNet and Keras have them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from detlite.accuracy.dataset import Dataset, DatasetFiles, Item, LabelReader
from detlite.accuracy.labels.image_classes import ImageClasses, read_class_folders


def items(paths: Sequence[Path]) -> Iterator[Item]:
    """Yield the images by path, each with its class."""
    return read_class_folders(paths[0]).items(paths[0])


def _classification(files: DatasetFiles) -> tuple[ImageClasses, Path]:
    return read_class_folders(files.paths[0]), files.paths[0]


PLUGIN = Dataset(
    title="Images in a sub-folder for each class.",
    takes=("FOLDER",),
    items=items,
    labels={"classification": LabelReader(_classification, "top-k")},
)
