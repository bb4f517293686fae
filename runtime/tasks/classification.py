"""Classification: one score for each class of the whole image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Dict, Iterator, Mapping, Optional, Sequence, Tuple

import numpy as np
from numpy.typing import NDArray

from detlite.runtime.arrays import Floats
from detlite.runtime.boxes.scores import SCORES, check_scores, with_scores
from detlite.runtime.counts import counted
from detlite.runtime.fields import check_types
from detlite.runtime.inputs import Fit
from detlite.runtime.task import Found, Heads, Result, Task, TaskKind, check_roles, check_shape, label_of
from detlite.runtime.tensors import Output

Record = Dict[str, Any]


@dataclass(frozen=True, eq=False)
class Ranking(Result):
    """The scores of an image's classes.

    Attributes:
        scores: float32, (classes,), in 0..1, without the background.
        labels: one for each class; empty if they are not known.
        logits: float32, (classes,): what the model says before scores are made of it; None if it gives scores alone.
    """

    listed: ClassVar[str] = "ranking"
    fields: ClassVar[Tuple[str, ...]] = ("scores",)

    scores: Floats
    labels: Tuple[str, ...] = ()
    logits: Optional[Floats] = None

    def best(self, count: int) -> Tuple[int, ...]:
        """Return the *count* classes with the best scores, best first; of equal ones the lower number is first."""
        return tuple(np.argsort(-self.scores, kind="stable")[:count].tolist())

    def above(self, threshold: float) -> Iterator[Found]:
        """Yield the classes with a score of at least *threshold*, best first."""
        for number in self.best(len(self.scores)):
            if self.scores[number] < threshold:
                return
            logit = None if self.logits is None else float(self.logits[number])
            yield Found(label_of(self.labels, number), number, float(self.scores[number]), logit=logit)

    def to_record(self) -> Record:
        """Return `scores`, of which everything is judged; the logits are not kept."""
        return {"scores": self.scores.tolist()}

    @classmethod
    def from_record(cls, record: Mapping[str, Any], labels: Sequence[str] = ()) -> Ranking:
        """Return the ranking in *record*."""
        return cls(np.array(record["scores"], np.float32), tuple(labels))

    @classmethod
    def columns(cls, results: Sequence[Ranking]) -> Dict[str, NDArray[Any]]:
        """Return `scores`, (images, classes)."""
        return {"scores": np.stack([one.scores for one in results]).astype(np.float32)}


@dataclass(frozen=True)
class Classification(Task):
    """A model with one output, `class_scores` [1, C].

    Attributes:
        score_converter: what makes scores of logits.
        score_converter_place: `model` where `class_scores` are scores already, `host` where they are logits.
        label_offset: C - len(labels): 1 where column 0 is the background, else 0.
    """

    kind: ClassVar[str] = "classification"

    score_converter: str
    score_converter_place: str
    label_offset: int = 0

    def __post_init__(self) -> None:
        check_types(self)
        check_scores(self.score_converter, self.score_converter_place, self.label_offset)

    def check(self, outputs: Sequence[Output], labels: Sequence[str]) -> None:
        """Refuse anything but one output with a column for each label, and for the background where there is one."""
        check_roles(outputs, (SCORES,))
        columns = len(labels) + self.label_offset
        check_shape(outputs[0], (1, columns), f"{counted(len(labels), 'label')} (offset {self.label_offset})")

    def result(self, heads: Heads, labels: Tuple[str, ...], fit: Fit) -> Ranking:
        """Return the scores of the image's classes."""
        del fit
        logits = heads[SCORES][self.label_offset :] if self.score_converter_place == "host" else None
        return Ranking(self.scored(heads)[SCORES][self.label_offset :], labels, logits)

    def scored(self, heads: Heads) -> Heads:
        """Return *heads* with scores in place of logits."""
        return with_scores(heads, self.score_converter, self.score_converter_place)


PLUGIN = TaskKind(title="a classifier", settings=Classification, result=Ranking, agreement="top-1")
