"""What segmenters say about a list of images, and how far their pixels are right."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detlite.accuracy.classes import ClassMap
from detlite.accuracy.labels.label_images import UNLABELLED, LabelImages, read_label_image
from detlite.accuracy.metric import ClassScore, Scores
from detlite.accuracy.predictions import Concordance, Predictions, joined_columns, refuse_other_images
from detlite.runtime.arrays import Bools, Doubles, Floats, Integers
from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError

Map = NDArray[np.uint16]


@dataclass(frozen=True, eq=False, kw_only=True)
class Segmented(Predictions):
    """The class of each pixel in a list of images, as the runs of equal pixels, row by row.

    Attributes:
        map_sizes: int64, (images, 2): (height, width) of each map.
        values: uint16, (runs,): the class of each run, from 0 on.
        lengths: int64, (runs,): its pixels.
        image_index: int64, (runs,): which of the images, never falling.
        scores: float32, (images, classes): the mean score of the pixels of each class.
    """

    map_sizes: Integers
    values: Map
    lengths: Integers
    image_index: Integers
    scores: Floats

    def __post_init__(self) -> None:
        pixels = np.bincount(self.image_index, weights=self.lengths, minlength=len(self.sizes))
        if len(self.map_sizes) != len(self.sizes) or (pixels != self.map_sizes.prod(axis=1)).any():
            raise InputError("the runs of a map do not cover its pixels: the results are damaged")

    @property
    def classes(self) -> int:
        """How many classes the model has."""
        return int(self.scores.shape[1])

    def class_map(self, index: int) -> Map:
        """Return the class of each pixel of one image: uint16, (height, width)."""
        start, stop = np.searchsorted(self.image_index, (index, index + 1))
        found: Map = self.values[start:stop].repeat(self.lengths[start:stop]).reshape(self.map_sizes[index])
        return found

    def records(self) -> Iterator[Mapping[str, Any]]:
        """Yield `map_size`, `values`, `lengths` and `scores` of each image."""
        ends = np.searchsorted(self.image_index, np.arange(len(self.sizes) + 1)).tolist()
        for number, size in enumerate(self.map_sizes.tolist()):
            runs = slice(ends[number], ends[number + 1])
            yield {
                "map_size": size,
                "values": self.values[runs].tolist(),
                "lengths": self.lengths[runs].tolist(),
                "scores": self.scores[number].tolist(),
            }

    @classmethod
    def join(cls, parts: Sequence[Segmented]) -> Segmented:
        """Return the maps in one list of images of the ones in its *parts*."""
        before = np.cumsum([0, *(len(part.sizes) for part in parts)])
        index = np.concatenate([part.image_index + first for part, first in zip(parts, before, strict=False)])
        return cls(**joined_columns(parts, "map_sizes", "values", "lengths", "scores"), image_index=index)


@dataclass(frozen=True, eq=False)
class PixelCounts:
    """How many pixels of each image have each class: float64, (images, classes); unlabelled pixels are left out.

    Attributes:
        wanted: in the truth.
        found: by the model.
        both: in both.
    """

    wanted: Doubles
    found: Doubles
    both: Doubles

    def iou(self, weights: Doubles) -> Doubles:
        """Return the IoU of each class in percent, (draws, classes); nan if neither has a pixel of it."""
        both, union = weights @ self.both, weights @ (self.wanted + self.found - self.both)
        ratio: Doubles = np.divide(both, union, out=np.full(both.shape, np.nan), where=union > 0)
        return 100.0 * ratio

    def mean_iou(self, weights: Doubles) -> Doubles:
        """Return the mean IoU in percent, (draws,), over the classes that a pixel has, in the truth or as found."""
        each = self.iou(weights)
        known = np.isfinite(each)
        count = known.sum(axis=1)
        total = np.where(known, each, 0.0).sum(axis=1)
        mean: Doubles = np.divide(total, count, out=np.full(len(count), np.nan), where=count > 0)
        return mean


def count_pixels(pairs: Iterator[tuple[Map, Map, Bools]], classes: int) -> PixelCounts:
    """Return the counts of *pairs*, one an image: the classes wanted, the classes found, and which pixels count."""
    rows = []
    for wanted, found, kept in pairs:
        parts = (wanted[kept], found[kept], wanted[kept & (wanted == found)])
        rows.append([np.bincount(values, minlength=classes) for values in parts])
    counts = np.array(rows, np.float64)
    return PixelCounts(counts[:, 0], counts[:, 1], counts[:, 2])


def segmentation_concordance(found: Segmented, reference: Segmented) -> Concordance:
    """Return the mean IoU of *found*, with the classes of *reference* as the truth."""
    refuse_other_images(found, reference)
    everything = ((reference.class_map(i), found.class_map(i)) for i in range(len(found.sizes)))
    counts = count_pixels(((a, b, np.ones(a.shape, np.bool_)) for a, b in everything), found.classes)
    return Concordance(
        fidelity=float(counts.mean_iou(np.ones((1, len(found.sizes))))[0]),
        counts={"images": len(found.sizes), "classes": int((counts.wanted.sum(axis=0) > 0).sum())},
        weighted=counts.mean_iou,
    )


def miou_scores(found: Segmented, truth: LabelImages, classes: ClassMap) -> Scores:
    """Return `miou`, `pixel_accuracy` and, per class, `iou`, all in percent.

    Raises:
        InputError: an image's size is not its label image's, or the numbers of images differ.
    """
    counts = _counted(found, truth, classes)
    once = np.ones((1, len(found.sizes)))
    wanted, each = counts.wanted.sum(axis=0), counts.iou(once)[0]
    rows = (ClassScore(name, float(wanted[number]), {"iou": float(each[number])}) for number, name in truth.categories)
    accuracy = 100.0 * float(counts.both.sum() / counts.wanted.sum()) if counts.wanted.any() else None
    mean = float(counts.mean_iou(once)[0]) if counts.wanted.any() else None
    return Scores({"miou": mean, "pixel_accuracy": accuracy}, tuple(row for row in rows if row.truths))


def miou_of_draws(found: Segmented, truth: LabelImages, classes: ClassMap, weights: Doubles) -> Doubles:
    """Return the `miou` in percent for each row of *weights*."""
    return _counted(found, truth, classes).mean_iou(weights)


def miou_draws(found: Segmented, truth: LabelImages, classes: ClassMap, weights: Doubles) -> Mapping[str, Doubles]:
    """Return `pixel_accuracy`, and `iou:NAME` of each class, in percent, for each row of *weights*."""
    counts = _counted(found, truth, classes)
    wanted, both, each = weights @ counts.wanted, weights @ counts.both, counts.iou(weights)
    total = wanted.sum(axis=1)
    accuracy = np.divide(100.0 * both.sum(axis=1), total, out=np.full(len(total), np.nan), where=total > 0)
    return {"pixel_accuracy": accuracy, **{f"iou:{name}": each[:, number] for number, name in truth.categories}}


def _counted(found: Segmented, truth: LabelImages, classes: ClassMap) -> PixelCounts:
    if len(found.sizes) != len(truth.images):
        raise InputError(
            f"maps of {counted(len(found.sizes), 'image')} for {counted(len(truth.images), 'labelled one')}"
        )
    return count_pixels(_pairs(found, truth), len(classes.category_ids))


def _pairs(found: Segmented, truth: LabelImages) -> Iterator[tuple[Map, Map, Bools]]:
    for index, image in enumerate(truth.images):
        wanted, ours = read_label_image(image.label_file).astype(np.uint16), found.class_map(index)
        if wanted.shape != ours.shape:
            raise InputError(
                f"{image.label_file.name} is {wanted.shape[0]} x {wanted.shape[1]} pixels (height x width), its image "
                f"{image.file_name} is {ours.shape[0]} x {ours.shape[1]}: give the labels that belong to the images"
            )
        yield wanted, ours, wanted != UNLABELLED
