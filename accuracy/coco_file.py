"""COCO's results file: what was detected, as a JSON list that COCO's own tools and others score.

The format is described at cocodataset.org, "Results format": `image_id`, `category_id`, `bbox` as [x, y, width, height]
in pixels, `score`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from detlite.accuracy.classes import NAMELESS, class_map
from detlite.accuracy.labels.coco import read_annotations
from detlite.convert.labels.files import known_labels
from detlite.runtime.errors import InputError
from detlite.runtime.task import Found

Record = dict[str, Any]


@dataclass(frozen=True)
class CocoIds:
    """What COCO's files call images and classes.

    Attributes:
        images: the id of each image, by its file name; None if the file name is the number.
        categories: the id of each class of the model, from class 0 on; -1 if it has none, and is left out.
        origin: where the ids come from, in words.
    """

    images: dict[str, int] | None
    categories: tuple[int, ...]
    origin: str

    def image_id(self, path: Path) -> int:
        """Return the id of the image in the file *path*.

        Raises:
            InputError: the annotations do not list it, or its name is no number.
        """
        if self.images is not None:
            if path.name not in self.images:
                raise InputError(f"{path.name} is not among the images of the COCO annotations: leave it out")
            return self.images[path.name]
        if not path.stem.isdecimal():
            raise InputError(
                f"{path.name} does not say its id, as COCO's 000000000139.jpg does: give --coco-annotations FILE"
            )
        return int(path.stem)


def coco_ids(labels: Sequence[str], annotations: Path | None) -> CocoIds:
    """Return the ids for a model with *labels*: those of the *annotations*, or COCO's own.

    Without annotations, a class has the id of COCO's category of the same name where all labels are COCO's; else its
    number + 1.

    Raises:
        InputError: the annotations cannot be read, or their categories are not the model's.
    """
    if annotations is not None:
        known = read_annotations(annotations, scored=False)
        images = {Path(image.file_name).name: image.id for image in known.images}
        return CocoIds(images, class_map(labels, known.categories).category_ids, annotations.name)
    names = {name: number for number, name in enumerate(known_labels("coco"), 1) if name not in NAMELESS}
    named = [label for label in labels if label not in NAMELESS]
    if named and set(named) <= set(names):
        return CocoIds(None, tuple(names.get(label, -1) for label in labels), "COCO's own, by name")
    return CocoIds(None, tuple(range(1, len(labels) + 1)), "the number of the class + 1")


def coco_rows(
    image_id: int, size: tuple[int, int], found: Sequence[Found], ids: CocoIds, masks: Sequence[Record] = ()
) -> list[Record]:
    """Return the rows of one image; of what has keypoints, these are (x, y, score) in pixels, one after the other.

    Args:
        image_id: of the image.
        size: (height, width) of the image in pixels.
        found: what was detected, with boxes.
        ids: of the categories; what has none is left out.
        masks: COCO's `segmentation` of each of *found*; empty for rows without.
    """
    height, width = size
    rows = []
    segmentations = [{"segmentation": mask} for mask in masks] or [{} for _one in found]
    for one, segmentation in zip(found, segmentations, strict=True):
        if one.box is None:
            raise InputError("COCO's results hold boxes, and the model is a classifier: leave --coco-json out")
        y1, x1, y2, x2 = one.box
        box = [x1 * width, y1 * height, (x2 - x1) * width, (y2 - y1) * height]
        category = ids.categories[one.number]
        if category >= 0:
            row = {"image_id": image_id, "category_id": category, "bbox": box, "score": one.score}
            points = [value for p in one.points for value in (p.x * width, p.y * height, p.score)]
            rows.append({**row, **segmentation, **({"keypoints": points} if points else {})})
    return rows
