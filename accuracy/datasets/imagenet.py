"""ImageNet's layouts: a folder of images, and their classes as sub-folders, a text list or JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from detlite.accuracy.dataset import Dataset, DatasetFiles, Item, LabelReader

if TYPE_CHECKING:
    from detlite.accuracy.labels.image_classes import ImageClasses


def items(paths: Sequence[Path]) -> Iterator[Item]:
    """Yield the images that the labels name, in their order, each with its class."""
    images, labels = paths
    return _classes(labels).items(images)


def _classification(files: DatasetFiles) -> tuple[ImageClasses, Path]:
    images, labels = files.paths
    return _classes(labels), images


def _classes(labels: Path) -> ImageClasses:
    from detlite.accuracy.labels.image_classes import read_class_list, read_synset_folders

    return read_synset_folders(labels) if labels.is_dir() else read_class_list(labels)


PLUGIN = Dataset(
    title="ImageNet: a folder of images, and their classes: a folder with one for each, a text list or JSON.",
    takes=("IMAGES", "LABELS"),
    items=items,
    labels={"classification": LabelReader(_classification, "top-k")},
)
