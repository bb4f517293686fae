"""Open Images' format: a folder of images, and CSV files with their boxes and labels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from detlite.accuracy.dataset import Dataset, DatasetFiles, FurtherOption, Item, LabelReader
from detlite.accuracy.labels.annotations import Annotations
from detlite.accuracy.labels.open_images import OpenImagesFiles, read_open_images


def items(paths: Sequence[Path]) -> Iterator[Item]:
    """Yield the images that have a box, by name, with their objects."""
    images, boxes = paths
    annotations = read_open_images(OpenImagesFiles(images, boxes))
    return annotations.items([images / image.file_name for image in annotations.images])


def _detection(files: DatasetFiles) -> tuple[Annotations, Path]:
    images, boxes = files.paths
    labels, hierarchy, names = (files.path(f"oid-{what}") for what in ("labels", "hierarchy", "names"))
    return read_open_images(OpenImagesFiles(images, boxes, labels, hierarchy, names), files.limit), images


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
