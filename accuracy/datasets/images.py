"""A folder of images, and, for scoring, a file with their classes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from detlite.accuracy.dataset import Dataset, DatasetFiles, FurtherOption, Item, LabelReader
from detlite.accuracy.images import images_in

if TYPE_CHECKING:
    from detlite.accuracy.labels.image_classes import ImageClasses


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


PLUGIN = Dataset(
    title="Folder of images, sub-folders included, or a file that lists them.",
    takes=("FOLDER",),
    items=items,
    labels={
        "classification": LabelReader(_classification, "top-k", needs="classes"),
    },
    further=(FurtherOption("classes", "FILE", "the class of each image, as text or JSON."),),
    upright=True,
    skipped=skipped,
)
