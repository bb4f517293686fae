"""Labelled images ready to be scored: ground truth of any format, its image files, and which class is which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from detlite.accuracy.classes import NAMELESS, ClassMap, class_map
from detlite.accuracy.labels.annotations import Annotations, check_image_files
from detlite.accuracy.labels.voc import CLASSES
from detlite.runtime.errors import InputError

COCO_NAMES = {
    "aeroplane": "airplane",
    "diningtable": "dining table",
    "motorbike": "motorcycle",
    "pottedplant": "potted plant",
    "sofa": "couch",
    "tvmonitor": "tv",
}
"""What COCO calls the six of VOC's twenty classes that it calls otherwise."""


@dataclass(frozen=True)
class Labelled:
    """Images with their ground truth.

    Attributes:
        annotations: of the classes that count.
        paths: the image files, in the order of `annotations.images`.
        classes: the category of each class of the model.
        categories_left_out: how many annotated ones the model has no class for, and which do not count.
    """

    annotations: Annotations
    paths: tuple[Path, ...]
    classes: ClassMap
    categories_left_out: int = 0


def labelled(annotations: Annotations, images: Path, labels: Sequence[str], *, known_only: bool = False) -> Labelled:
    """Return the *annotations* with their files in the folder *images*, matched with the model's *labels*.

    Args:
        annotations: the ground truth.
        images: the folder of its images.
        labels: the model's, from class 0 on.
        known_only: leave out annotated classes that the model has no label for, where they would be an error.

    Raises:
        InputError: an image is missing, or the classes do not match.
    """
    paths = check_image_files(annotations, images)
    names = {label.strip().casefold() for label in labels}
    if annotations.origin == "voc":
        annotations = _as_coco_calls_them(annotations, names)
    everything = len(annotations.categories)
    if known_only:
        known = frozenset(i for i, name in annotations.categories if name.strip().casefold() in names)
        if not known:
            raise InputError(f"the model has none of the {everything} annotated classes, by name: give it its labels")
        annotations = annotations.of_categories(known)
    classes = class_map(labels, annotations.categories)
    if classes.rule == "position" and not _is_numbered(annotations):
        raise InputError(
            f"the model's {len(labels)} classes have no names, and those of the annotations have no numbers "
            f"(the first is {annotations.categories[0][1]!r}): give the model its labels"
        )
    return Labelled(annotations, paths, classes, everything - len(annotations.categories))


def _as_coco_calls_them(annotations: Annotations, names: set[str]) -> Annotations:
    categories = tuple(
        (i, COCO_NAMES[name] if name not in names and COCO_NAMES.get(name) in names else name)
        for i, name in annotations.categories
    )
    return replace(annotations, categories=categories)


def _is_numbered(annotations: Annotations) -> bool:
    names = tuple(name for _i, name in annotations.categories if name not in NAMELESS)
    return annotations.origin == "coco" or (annotations.origin == "voc" and set(names) <= set(CLASSES))
