"""A folder of images, and, for scoring, a file with their classes or a folder with the class of each pixel."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from detlite.accuracy.dataset import Dataset, DatasetFiles, FurtherOption, Item, LabelReader
from detlite.accuracy.images import images_in

if TYPE_CHECKING:
    from detlite.accuracy.labels.image_classes import ImageClasses
    from detlite.accuracy.labels.label_images import LabelImages


def items(paths: Sequence[Path]) -> Iterator[Item]:
    """Yield the images in the folder and those below it, by path, or those that a file lists."""
    for path in images_in(paths[0]).paths:
        yield Item(path.name, path=path)


def skipped(paths: Sequence[Path]) -> Sequence[Path]:
    """Return the files of the folder that are not images."""
    return images_in(paths[0]).skipped


def _classification(files: DatasetFiles) -> tuple[ImageClasses, Path]:
    from detlite.accuracy.labels.image_classes import read_class_list

    return read_class_list(Path(files.further["classes"])), files.paths[0]


def _segmentation(files: DatasetFiles) -> tuple[LabelImages, Path]:
    from detlite.accuracy.labels.label_images import read_label_images

    return read_label_images(files.paths[0], Path(files.further["masks"])), files.paths[0]


PLUGIN = Dataset(
    title="Folder of images, sub-folders included, or a file that lists them.",
    takes=("FOLDER",),
    items=items,
    labels={
        "classification": LabelReader(_classification, "top-k", needs="classes"),
        "segmentation": LabelReader(_segmentation, "miou", needs="masks"),
    },
    further=(
        FurtherOption("classes", "FILE", "the class of each image, as text or JSON."),
        FurtherOption("masks", "FOLDER", "PNGs named like the images, with the class of each pixel; 255 is none."),
    ),
    upright=True,
    skipped=skipped,
)
