"""Semantic segmentation: a class for each pixel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Dict, Iterator, Mapping, Sequence, Tuple

import numpy as np
from numpy.typing import NDArray

from detlite.runtime.arrays import Bools, Floats
from detlite.runtime.boxes.scores import SCORES, check_scores, with_scores
from detlite.runtime.errors import ContractError
from detlite.runtime.fields import check_types, one_of
from detlite.runtime.image.resize import MAP_RULES, nearest, resize_map
from detlite.runtime.inputs import Fit
from detlite.runtime.task import Found, Heads, Result, Task, TaskKind, check_roles, label_of
from detlite.runtime.tensors import Output

CLASSES = "class_map"

Record = Dict[str, Any]
Map = NDArray[np.uint16]


@dataclass(frozen=True, eq=False)
class LabelMap(Result):
    """The class of each pixel of an image.

    Attributes:
        classes: uint16, (height, width) of the image: from 0 on.
        scores: float32, (classes,): the mean score of the pixels of each class; 0 if it has none, 1 where the model
            returns classes alone.
        labels: one for each class; empty if they are not known.
    """

    listed: ClassVar[str] = "regions"
    fields: ClassVar[Tuple[str, ...]] = ("map_size", "values", "lengths", "scores")

    classes: Map
    scores: Floats
    labels: Tuple[str, ...] = ()

    def above(self, threshold: float) -> Iterator[Found]:
        """Yield the classes in the map with a score of at least *threshold*, best first, each in the box around it."""
        height, width = self.classes.shape
        present = np.unique(self.classes)
        for number in present[np.argsort(-self.scores[present], kind="stable")].tolist():
            if self.scores[number] < threshold:
                continue
            rows, columns = (np.flatnonzero((self.classes == number).any(axis=axis)) for axis in (1, 0))
            box = (rows[0] / height, columns[0] / width, (rows[-1] + 1) / height, (columns[-1] + 1) / width)
            y1, x1, y2, x2 = map(float, box)
            yield Found(label_of(self.labels, number), number, float(self.scores[number]), (y1, x1, y2, x2))

    def area(self, place: int, found: Found) -> Bools:
        """Return the pixels of the class *found*."""
        del place
        here: Bools = self.classes == found.number
        return here

    def to_record(self) -> Record:
        """Return `map_size`, the map's runs row by row (`values` and `lengths`), and `scores`."""
        values, lengths = _runs(self.classes)
        return {
            "map_size": list(self.classes.shape),
            "values": values.tolist(),
            "lengths": lengths.tolist(),
            "scores": self.scores.tolist(),
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any], labels: Sequence[str] = ()) -> LabelMap:
        """Return the map in *record*."""
        height, width = record["map_size"]
        runs = np.array(record["values"], np.uint16).repeat(np.array(record["lengths"], np.int64))
        return cls(runs.reshape(height, width), np.array(record["scores"], np.float32), tuple(labels))

    @classmethod
    def columns(cls, results: Sequence[LabelMap]) -> Dict[str, NDArray[Any]]:
        """Return `map_sizes`, the runs of all maps (`values`, `lengths`), `image_index` of each run, and `scores`."""
        runs = [_runs(one.classes) for one in results]
        counts = [len(values) for values, _lengths in runs]
        return {
            "map_sizes": np.array([one.classes.shape for one in results], np.int64),
            "values": np.concatenate([values for values, _lengths in runs]),
            "lengths": np.concatenate([lengths for _values, lengths in runs]),
            "image_index": np.repeat(np.arange(len(results), dtype=np.int64), counts),
            "scores": np.stack([one.scores for one in results]),
        }


def _runs(classes: Map) -> Tuple[Map, NDArray[np.int64]]:
    """Return the value and the length of each run of equal pixels, row by row."""
    flat = classes.ravel()
    begins = np.flatnonzero(np.concatenate([[True], flat[1:] != flat[:-1]]))
    return flat[begins], np.diff(np.append(begins, flat.size)).astype(np.int64)


@dataclass(frozen=True)
class Segmentation(Task):
    """A model with one output: `class_scores` [1, h, w, C], or `class_map` [1, h, w], the classes themselves.

    Scores grow to the input's size by *resize*, before the best class of each pixel is taken; then its padding is cut
    off, and the classes take the image's size, each pixel the nearest. A class map takes that size at once.

    Attributes:
        resize: how scores grow to the input; one of `MAP_RULES`.
        score_converter: what makes scores of logits.
        score_converter_place: `model` where `class_scores` are scores already, `host` where they are logits.
    """

    kind: ClassVar[str] = "segmentation"

    resize: str = "half_pixel_bilinear"
    score_converter: str = "SOFTMAX"
    score_converter_place: str = "host"

    def __post_init__(self) -> None:
        check_types(self)
        one_of("the resize rule of the map", self.resize, MAP_RULES)
        check_scores(self.score_converter, self.score_converter_place)

    def check(self, outputs: Sequence[Output], labels: Sequence[str]) -> None:
        """Refuse anything but one output of scores with a column for each label, or of classes."""
        check_roles(outputs, (SCORES,), (CLASSES,))
        shape = outputs[0].shape
        if outputs[0].role == SCORES and (len(shape) != 4 or shape[0] != 1 or shape[3] != len(labels)):
            raise ContractError(f"output {SCORES} has shape {shape}; want (1, height, width, {len(labels)})")
        if outputs[0].role == CLASSES and (len(shape) != 3 or shape[0] != 1):
            raise ContractError(f"output {CLASSES} has shape {shape}; want (1, height, width)")

    def result(self, heads: Heads, labels: Tuple[str, ...], fit: Fit) -> LabelMap:
        """Return the class of each pixel of the image."""
        if CLASSES in heads:
            classes = heads[CLASSES].astype(np.uint16)
            grown = classes[nearest(classes.shape[0], fit.input[0])][:, nearest(classes.shape[1], fit.input[1])]
            return LabelMap(_in_image(grown, fit), np.ones(len(labels), np.float32), labels)
        logits = resize_map(heads[SCORES], *fit.input, self.resize)[_part(fit)]
        best = logits.argmax(axis=-1)
        scores = self.scored({SCORES: logits})[SCORES]
        sure = np.take_along_axis(scores, best[..., None], axis=-1).ravel()
        counts = np.bincount(best.ravel(), minlength=len(labels))
        sums = np.bincount(best.ravel(), weights=sure, minlength=len(labels))
        mean = (sums / np.maximum(counts, 1)).astype(np.float32)
        return LabelMap(_to_size(best.astype(np.uint16), fit.image), mean, labels)

    def scored(self, heads: Heads) -> Heads:
        """Return *heads* with scores in place of logits."""
        return with_scores(heads, self.score_converter, self.score_converter_place)

    def facts(self) -> Record:
        """Return the settings; `map_resize` is how scores grow to the input."""
        return {
            "map_resize": self.resize,
            "score_converter": self.score_converter,
            "score_converter_place": self.score_converter_place,
        }


def _part(fit: Fit) -> Tuple[slice, slice]:
    return slice(fit.top, fit.top + fit.height), slice(fit.left, fit.left + fit.width)


def _in_image(classes: Map, fit: Fit) -> Map:
    return _to_size(classes[_part(fit)], fit.image)


def _to_size(classes: Map, size: Tuple[int, int]) -> Map:
    return classes[nearest(classes.shape[0], size[0])][:, nearest(classes.shape[1], size[1])]


PLUGIN = TaskKind(title="a segmenter", settings=Segmentation, result=LabelMap, agreement="mIoU")
