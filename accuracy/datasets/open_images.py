"""Open Images' format: a folder of images, and CSV files with their boxes and labels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from detlite.accuracy.dataset import Dataset, DatasetFiles, FurtherOption, Item, LabelReader

if TYPE_CHECKING:
    from detlite.accuracy.labels.annotations import Annotations


def items(paths: Sequence[Path]) -> Iterator[Item]:
    """Yield the images that have a box, by name, with their objects."""
    images, boxes = paths
    annotations = _read(images, boxes)
    return annotations.items([images / image.file_name for image in annotations.images])


def _detection(files: DatasetFiles) -> tuple[Annotations, Path]:
    images, boxes = files.paths
    labels, hierarchy, names = (files.path(f"oid-{what}") for what in ("labels", "hierarchy", "names"))
    return _read(images, boxes, labels, hierarchy, names, limit=files.limit), images


def _read(images: Path, boxes: Path, *further: Path | None, limit: int | None = None) -> Annotations:
    from detlite.accuracy.labels.open_images import OpenImagesFiles, read_open_images

    return read_open_images(OpenImagesFiles(images, boxes, *further), limit)


PLUGIN = Dataset(
    title="Open Images: a folder of images, and its CSV of boxes.",
    takes=("IMAGES", "BOXES"),
    items=items,
    labels={"detection": LabelReader(_detection, "oid-v2")},
    further=(
        FurtherOption("oid-labels", "CSV", "verified image-level labels."),
        FurtherOption("oid-hierarchy", "JSON", "expand boxes and labels by this hierarchy."),
        FurtherOption("oid-names", "CSV", "class-descriptions-boxable.csv, with the classes' names."),
    ),
    option="oid",
)
