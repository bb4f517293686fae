"""KITTI's format of 2D objects: `image_2`, and a text file for each image in `label_2`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from detlite.accuracy.dataset import Dataset, DatasetFiles, FurtherOption, Item, LabelReader

if TYPE_CHECKING:
    from detlite.accuracy.labels.annotations import Annotations

CLASSES = "kitti-classes"


def items(paths: Sequence[Path]) -> Iterator[Item]:
    """Yield the labelled images, by name, with their objects."""
    annotations, images = _read(paths[0], None, scored=False)
    real = tuple(truth for truth in annotations.truths if not truth.crowd and not truth.group_of)
    return replace(annotations, truths=real).items([images / image.file_name for image in annotations.images])


def _detection(files: DatasetFiles) -> tuple[Annotations, Path]:
    return _read(files.paths[0], files.further.get(CLASSES))


def _read(folder: Path, classes: str | None, *, scored: bool = True) -> tuple[Annotations, Path]:
    from detlite.accuracy.labels.kitti import DEFAULT_CLASSES, read_kitti

    names = DEFAULT_CLASSES if classes is None else [name.strip().lower() for name in classes.split(",")]
    return read_kitti(folder, names, scored=scored)


PLUGIN = Dataset(
    title="KITTI's 2D objects: the folder with image_2 and label_2.",
    takes=("FOLDER",),
    items=items,
    labels={"detection": LabelReader(_detection, "kitti")},
    further=(FurtherOption(CLASSES, "NAMES", "the classes that count (default: car,pedestrian).", is_path=False),),
)
