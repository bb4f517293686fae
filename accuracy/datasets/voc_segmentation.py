"""Pascal VOC's format of semantic segmentation: images in `JPEGImages`, PNGs of classes in `SegmentationClass`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from detlite.accuracy.dataset import Dataset, DatasetFiles, Item, LabelReader
from detlite.runtime.errors import InputError

if TYPE_CHECKING:
    from detlite.accuracy.labels.label_images import LabelImages

IMAGES, MASKS, LISTS = "JPEGImages", "SegmentationClass", "ImageSets"


def items(paths: Sequence[Path]) -> Iterator[Item]:
    """Yield the images that have a PNG of classes, by name, or those of one list."""
    labels, images = _read(paths[0])
    for image in labels.images:
        yield Item(image.file_name, path=images / image.file_name)


def _segmentation(files: DatasetFiles) -> tuple[LabelImages, Path]:
    return _read(files.paths[0])


def _read(path: Path) -> tuple[LabelImages, Path]:
    """Return the labels in VOC's folder at *path*, or of the list in its `ImageSets`, and the folder of the images.

    Raises:
        InputError: the folder is not laid out as VOC's, or the list names no image.
    """
    from detlite.accuracy.labels.label_images import read_label_images

    sets = next((parent for parent in path.parents[:2] if parent.name == LISTS), None)
    if sets is None or path.is_dir():
        folder, names = path, None
    else:
        folder, names = sets.parent, _names(path)
    if not (folder / IMAGES).is_dir() or not (folder / MASKS).is_dir():
        raise InputError(f"{folder} is not a folder with {IMAGES} and {MASKS}, as Pascal VOC's")
    return read_label_images(folder / IMAGES, folder / MASKS, names), folder / IMAGES


def _names(path: Path) -> frozenset[str]:
    try:
        names = frozenset(line.split()[0] for line in path.read_text(encoding="utf-8-sig").splitlines() if line.strip())
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read as a list of images: {error}") from error
    if not names:
        raise InputError(f"{path} names no image; want the name of one a line, as in VOC's {LISTS}/Segmentation")
    return names


PLUGIN = Dataset(
    title="Pascal VOC's masks: its folder, or a list in its ImageSets/Segmentation.",
    takes=("FOLDER",),
    items=items,
    labels={"segmentation": LabelReader(_segmentation, "miou")},
)
