"""The options of `detlite evaluate` that say what is right: labelled images of three formats."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from detlite.accuracy.ground_truth import Labelled, labelled
from detlite.accuracy.labels.annotations import Annotations, read_annotations
from detlite.accuracy.labels.open_images import OpenImagesFiles, read_open_images
from detlite.accuracy.labels.voc import read_voc
from detlite.accuracy.metric import load_metric, metric_names
from detlite.runtime.errors import InputError, unknown_name

Command = TypeVar("Command", bound=Callable[..., Any])
Given = Mapping[str, Any]

DEFAULT_METRICS = {"coco": "coco", "voc": "voc2007", "oid": "oid-v2"}
"""By the option with the labels."""

_PATH = click.Path(path_type=Path)
_OPTIONS = (
    click.option("--coco", nargs=2, type=_PATH, metavar="IMAGES ANNOTATIONS", help="Labels: a COCO instances file."),
    click.option("--voc", type=_PATH, metavar="FOLDER", help="Labels: Annotations and JPEGImages as Pascal VOC's."),
    click.option("--split", help="With --voc: the list in ImageSets; all annotations where not given."),
    click.option("--oid", nargs=2, type=_PATH, metavar="IMAGES BOXES", help="Labels: Open Images' CSV of boxes."),
    click.option("--oid-labels", type=_PATH, metavar="CSV", help="With --oid: verified image-level labels."),
    click.option("--oid-hierarchy", type=_PATH, metavar="JSON", help="With --oid: expand boxes and labels by it."),
    click.option("--oid-names", type=_PATH, metavar="CSV", help="With --oid: class-descriptions-boxable.csv."),
    click.option("--metric", metavar="NAME", help="coco, voc2007, voc2010, oid-v2 or oid-challenge; by the labels."),
    click.option("--known-classes", is_flag=True, help="Leave out annotated classes that the model does not have."),
)


def ground_truth_options(command: Command) -> Command:
    """Add the options for labelled images to *command*."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def metric_asked_for(values: Given) -> str | None:
    """Return the name of the metric; None where no labels are given.

    Raises:
        InputError: the options do not belong together.
        UnknownNameError: no metric is called so.
    """
    given = [name for name in DEFAULT_METRICS if values[name] is not None]
    if values["metric"] is not None and values["metric"] not in metric_names():
        raise unknown_name("metric", values["metric"], metric_names())
    if len(given) > 1:
        raise InputError(f"--{given[0]} and --{given[1]}: give labels of one kind")
    for name, owner in (("split", "voc"), ("oid_labels", "oid"), ("oid_hierarchy", "oid"), ("oid_names", "oid")):
        if values[name] is not None and owner not in given:
            raise InputError(f"--{name.replace('_', '-')} goes with --{owner}")
    if not given:
        if values["metric"] or values["known_classes"]:
            raise InputError("--metric and --known-classes want labels: give --coco, --voc or --oid")
        return None
    return str(values["metric"] or DEFAULT_METRICS[given[0]])


def ground_truth(values: Given, metric_name: str, labels: Sequence[str]) -> Labelled:
    """Return the labelled images that *values* name, for a model with *labels*.

    Raises:
        InputError: they cannot be read, do not match the model's classes, or the metric is none for them.
    """
    metric = load_metric(metric_name)
    origin = "coco" if values["coco"] else "voc" if values["voc"] else "open-images"
    if origin not in metric.takes:
        fitting = [name for name in metric_names() if origin in load_metric(name).takes]
        raise InputError(f"the metric {metric_name} is none for these labels; there are: {', '.join(fitting)}")
    if metric.needs_verified != (values["oid_labels"] is not None):
        verb = "wants" if metric.needs_verified else "uses no"
        raise InputError(f"the metric {metric_name} {verb} image-level labels: see --oid-labels in the help")
    annotations, images = _read(values)
    if values["limit"]:
        annotations = annotations.first(values["limit"])
    return labelled(annotations, images, labels, known_only=values["known_classes"])


def _read(values: Given) -> tuple[Annotations, Path]:
    if values["coco"]:
        return read_annotations(values["coco"][1]), values["coco"][0]
    if values["voc"]:
        return read_voc(values["voc"], values["split"])
    images, boxes = values["oid"]
    files = OpenImagesFiles(images, boxes, values["oid_labels"], values["oid_hierarchy"], values["oid_names"])
    return read_open_images(files, values["limit"]), images
