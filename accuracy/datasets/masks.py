"""A folder of images, and a folder of PNGs with the class of each pixel."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from detlite.accuracy.dataset import Dataset, DatasetFiles, Item, LabelReader

if TYPE_CHECKING:
    from detlite.accuracy.labels.label_images import LabelImages


def items(paths: Sequence[Path]) -> Iterator[Item]:
    """Yield the images that have a PNG of classes, by name."""
    images, masks = paths
    for image in _read(images, masks).images:
        yield Item(image.file_name, path=images / image.file_name)


def _segmentation(files: DatasetFiles) -> tuple[LabelImages, Path]:
    images, masks = files.paths
    return _read(images, masks), images


def _read(images: Path, masks: Path) -> LabelImages:
    from detlite.accuracy.labels.label_images import read_label_images

    return read_label_images(images, masks)


PLUGIN = Dataset(
    title="Folder of images, and one of PNGs named like them, with the class of each pixel; 255 is none.",
    takes=("IMAGES", "MASKS"),
    items=items,
    labels={"segmentation": LabelReader(_segmentation, "miou")},
)
