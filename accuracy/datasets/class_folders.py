"""A folder with a sub-folder of images for each class, as ImageNet and Keras have them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from detlite.accuracy.dataset import Dataset, DatasetFiles, Item, LabelReader

if TYPE_CHECKING:
    from detlite.accuracy.labels.image_classes import ImageClasses


def items(paths: Sequence[Path]) -> Iterator[Item]:
    """Yield the images by path, each with its class."""
    return _classes(paths[0]).items(paths[0])


def _classification(files: DatasetFiles) -> tuple[ImageClasses, Path]:
    return _classes(files.paths[0]), files.paths[0]


def _classes(folder: Path) -> ImageClasses:
    from detlite.accuracy.labels.image_classes import read_class_folders

    return read_class_folders(folder)


PLUGIN = Dataset(
    title="Images in a sub-folder for each class.",
    takes=("FOLDER",),
    items=items,
    labels={"classification": LabelReader(_classification, "top-k")},
)
