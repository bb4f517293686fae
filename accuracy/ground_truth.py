"""Labelled images ready to be scored: which labels and which metric fit the model, and which class is which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from detlite.accuracy.classes import NAMELESS, ClassMap, class_map
from detlite.accuracy.dataset import DatasetFiles, LabelReader, Labels, load_dataset
from detlite.accuracy.labels.annotations import check_image_files
from detlite.accuracy.labels.voc import CLASSES
from detlite.accuracy.metric import Metric, load_metric, metric_names
from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError

COCO_NAMES = {
    "aeroplane": "airplane",
    "diningtable": "dining table",
    "motorbike": "motorcycle",
    "pottedplant": "potted plant",
    "sofa": "couch",
    "tvmonitor": "tv",
}
"""What COCO calls the six of VOC's twenty classes whose names differ."""


@dataclass(frozen=True)
class Labelled:
    """Images with their ground truth.

    Attributes:
        annotations: of the classes that count.
        paths: the image files, in the order of `annotations.images`.
        classes: the category of each class of the model.
        categories_left_out: how many annotated ones do not count, because the model has no class for them.
    """

    annotations: Labels
    paths: tuple[Path, ...]
    classes: ClassMap
    categories_left_out: int = 0


def read_labelled(
    files: DatasetFiles, task: str, labels: Sequence[str], *, metric: str | None = None, known_only: bool = False
) -> tuple[Labelled, str]:
    """Return the labelled images of a data set for a model, and the name of the metric to score it with.

    Args:
        files: the data set.
        task: the kind of the model's task, such as `detection`.
        labels: the model's, from class 0 on.
        metric: the name of a metric; None for the one that is usual for these labels.
        known_only: leave out annotated classes that the model has no label for, which are an error otherwise.

    Raises:
        InputError: the labels cannot be read, do not match the model's classes, or the metric does not apply to them.
        UnknownNameError: there is no such metric.
    """
    reader = reader_for(files, task)
    name = metric or reader.metric
    _check_metric(name, load_metric(name), files, task)
    annotations, images = reader.read(files)
    if files.limit is not None:
        annotations = annotations.first(files.limit)
    return labelled(annotations, images, labels, known_only=known_only), name


def reader_for(files: DatasetFiles, task: str) -> LabelReader:
    """Return the reader of the labels for *task*; `InputError` if the data set has none."""
    readers = load_dataset(files.name).labels
    if task not in readers:
        known = ", ".join(readers) or "nothing"
        raise InputError(f"the model's task is {task}, and the data set {files.name} has labels for: {known}")
    reader = readers[task]
    if reader.needs is not None and reader.needs not in files.further:
        raise InputError(f"the labels for {task} are missing: give them with --{reader.needs}")
    return reader


def _check_metric(name: str, metric: Metric[Any, Any], files: DatasetFiles, task: str) -> None:
    if metric.task != task:
        fitting = [known for known in metric_names() if load_metric(known).task == task]
        raise InputError(
            f"the metric {name} scores {metric.task}, and the model's task is {task}; "
            + (f"use one of: {', '.join(fitting)}" if fitting else "no metric scores that")
        )
    if metric.takes and files.name not in metric.takes:
        fitting = [known for known in metric_names() if _applies(load_metric(known), files, task)]
        raise InputError(f"the metric {name} does not apply to these labels; use one of: {', '.join(fitting)}")
    if metric.needs_verified != ("oid-labels" in files.further):
        verb = "needs" if metric.needs_verified else "uses no"
        raise InputError(f"the metric {name} {verb} image-level labels: see --oid-labels in the help")


def _applies(metric: Metric[Any, Any], files: DatasetFiles, task: str) -> bool:
    return metric.task == task and (not metric.takes or files.name in metric.takes)


def labelled(annotations: Labels, images: Path, labels: Sequence[str], *, known_only: bool = False) -> Labelled:
    """Return the *annotations* with their files in the folder *images*, matched with the model's *labels*.

    Args:
        annotations: the ground truth.
        images: the folder of its images.
        labels: the model's, from class 0 on.
        known_only: leave out annotated classes that the model has no label for, which are an error otherwise.

    Raises:
        InputError: an image is missing, or the classes do not match.
    """
    paths = check_image_files(annotations, images)
    if annotations.numbered:
        return Labelled(annotations, paths, _numbered(annotations, labels))
    names = {label.strip().casefold() for label in labels}
    if annotations.origin == "voc":
        annotations = _with_coco_names(annotations, names)
    everything = len(annotations.categories)
    if known_only:
        known = frozenset(i for i, name in annotations.categories if name.strip().casefold() in names)
        if not known:
            raise InputError(
                f"the model has none of the {counted(everything, 'annotated class')}, by name: give it its labels"
            )
        annotations = annotations.of_categories(known)
    classes = class_map(labels, annotations.categories)
    if classes.rule == "position" and not _has_numbers(annotations, len(labels)):
        raise InputError(
            f"the model's {counted(len(labels), 'class has', 'classes have')} no names, and those of the annotations "
            f"have no numbers (the first is {annotations.categories[0][1]!r}): give the model its labels"
        )
    return Labelled(annotations, paths, classes, everything - len(annotations.categories))


def _numbered(annotations: Labels, labels: Sequence[str]) -> ClassMap:
    highest = max(identity for identity, _name in annotations.categories)
    if highest >= len(labels):
        raise InputError(
            f"the labels name class {highest}, and the model has {counted(len(labels), 'class')}, numbered from 0: "
            "give labels of the classes it was trained on"
        )
    return ClassMap(tuple(range(len(labels))), "number")


def _with_coco_names(annotations: Labels, names: set[str]) -> Labels:
    return annotations.renamed(
        {name: other for name, other in COCO_NAMES.items() if name not in names and other in names}
    )


def _has_numbers(annotations: Labels, classes: int) -> bool:
    """Return whether the ids of the categories, less 1, are the numbers of a model's *classes* without names."""
    names = {name for _i, name in annotations.categories if name not in NAMELESS}
    voc = annotations.origin == "voc" and names <= set(CLASSES)
    is_sorted = annotations.origin.startswith(("class-folders", "kinetics"))  # names in the order of their numbers
    return annotations.origin == "coco" or voc or (is_sorted and len(names) == classes)
