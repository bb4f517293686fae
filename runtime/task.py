"""Base classes of a task: its settings in a contract, its result for one image, and its plug-in."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from typing import Any, ClassVar, Dict, Iterator, Mapping, NamedTuple, Optional, Sequence, Tuple, Type

from numpy.typing import NDArray

from detlite.runtime.arrays import Bools, Floats
from detlite.runtime.errors import ContractError
from detlite.runtime.inputs import Fit
from detlite.runtime.plugins import load_plugin
from detlite.runtime.tensors import Output

TASKS = "detlite.runtime.tasks"
UNNAMED = "???"
"""The label of a class that has no name."""

RANKING = "ranking"
"""What a list of classes of the whole image is called."""

REGIONS = "regions"
"""What a list of the classes of an image's pixels is called."""

RANKED = 5
"""Classes of a ranking that are shown."""

Record = Dict[str, Any]
Heads = Mapping[str, Floats]
"""A model's outputs by role: float32, without the batch, dequantized."""
Box = Tuple[float, float, float, float]


class Keypoint(NamedTuple):
    """A named point of a thing in an image: (*y*, *x*) in 0..1 of the image, which it may leave; *score* 0..1."""

    label: str
    y: float
    x: float
    score: float

    def to_record(self) -> Record:
        """Return `label`, `point` and `score`."""
        return {"label": self.label, "point": [self.y, self.x], "score": self.score}


class Found(NamedTuple):
    """One thing that a model found in an image.

    Attributes:
        label: the name of its class.
        number: its class, from 0, without the background.
        score: 0..1.
        box: (y1, x1, y2, x2), 0..1 of the image; None for the whole image.
        points: its keypoints; empty where it has none.
        logit: what the model says of its class before scores are made of it; None if the model does not give that.
    """

    label: str
    number: int
    score: float
    box: Optional[Box] = None
    points: Tuple[Keypoint, ...] = ()
    logit: Optional[float] = None

    def to_record(self) -> Record:
        """Return `box`, `class`, `label`, `score`, `logit` and `keypoints`; of these only what there is."""
        box = {} if self.box is None else {"box": list(self.box)}
        points = {"keypoints": [one.to_record() for one in self.points]} if self.points else {}
        logit = {} if self.logit is None else {"logit": self.logit}
        return {**box, "class": self.number, "label": self.label, "score": self.score, **logit, **points}


def shown(found: Sequence[Found], listed: str, threshold: float) -> Tuple[Found, ...]:
    """Return those of *found* that are listed and drawn.

    Args:
        found: best score first.
        listed: what the list is called: `RANKING`, of which the best five count, whatever their scores, or another.
        threshold: lowest score of anything else, 0..1.
    """
    if listed == RANKING:
        return tuple(found[:RANKED])
    return tuple(one for one in found if one.score >= threshold)


class Result(ABC):
    """A model's result for one image."""

    listed: ClassVar[str]
    """Name of the list of found things: `detections`, `ranking`."""

    fields: ClassVar[Tuple[str, ...]]
    """The keys of `to_record`."""

    @property
    def edges(self) -> Tuple[Tuple[int, int], ...]:
        """Pairs of the points of a found thing, by their places, that a picture joins by a line."""
        return ()

    @abstractmethod
    def above(self, threshold: float) -> Iterator[Found]:
        """Yield the findings with a score of at least *threshold*, best first; a score of NaN is included."""

    def area(self, place: int, found: Found) -> Optional[Bools]:
        """Return which pixels belong to *found*, number *place* of those that `above` yields: bool, (height, width).

        None: the result knows no more than a box, or nothing, of where it is.
        """
        del place, found
        return None

    @abstractmethod
    def to_record(self) -> Record:
        """Return the result as a JSON record; reading it gives the same bits."""

    @classmethod
    @abstractmethod
    def from_record(cls, record: Mapping[str, Any], labels: Sequence[str] = ()) -> Result:
        """Return the result in a `to_record` record; *labels* are the names of its classes."""

    @classmethod
    @abstractmethod
    def columns(cls, results: Sequence[Any]) -> Dict[str, NDArray[Any]]:
        """Return *results*, of this class, one per image, as arrays for an .npz file."""

    def loadgen_data(self, index: int) -> Optional[bytes]:
        """Return what MLPerf's accuracy log holds for the image *index*; None: its scripts read no such results."""
        del index
        return None


class Task(ABC):
    """The meaning of a model's outputs: a frozen dataclass of settings, one subclass per kind of task.

    `kind` is the name of the plug-in's file in `runtime/tasks/`.
    """

    kind: ClassVar[str]

    @abstractmethod
    def check(self, outputs: Sequence[Output], labels: Sequence[str]) -> None:
        """Check that *outputs* and *labels* fit this task.

        Raises:
            ContractError: a role is missing or unknown, or a shape does not fit the settings.
        """

    @abstractmethod
    def result(self, heads: Heads, labels: Tuple[str, ...], fit: Fit) -> Result:
        """Return the result from the model's *heads*; *fit* says where the image is in the input."""

    def scored(self, heads: Heads) -> Heads:
        """Return *heads*, with leading axes or without, with scores in place of logits that the host converts."""
        return heads

    def facts(self) -> Record:
        """Return the settings in a few JSON values, for a reader: no arrays."""
        return self.to_record()

    def lost_class(self, threads: int, labels: Sequence[str]) -> Optional[str]:
        """Return, in one sentence, which class is never found with this number of threads; None if all are."""
        del threads, labels
        return None

    def to_record(self) -> Record:
        """Return the settings as a JSON record, in a fixed order."""
        return dataclasses.asdict(self)  # type: ignore[call-overload,no-any-return]  # every subclass is a dataclass

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Task:
        """Return the settings that `to_record` wrote."""
        return cls(**record)


class TaskKind(NamedTuple):
    """A kind of task: the `PLUGIN` of a file in `runtime/tasks/`.

    Attributes:
        title: the noun for such a model, with its article: "a detector".
        settings: the dataclass of `contract.task`.
        result: the class of its result for an image.
        agreement: the measure of agreement with a reference model's results, which needs no labels.
    """

    title: str
    settings: Type[Task]
    result: Type[Result]
    agreement: str


def task_kind(name: str) -> TaskKind:
    """Return the kind of task called *name*.

    Raises:
        UnknownNameError: `runtime/tasks/` has no such file.
    """
    kind: TaskKind = load_plugin(TASKS, name)
    return kind


def label_of(labels: Sequence[str], number: int) -> str:
    """Return the label of the class *number*, from 0; `UNNAMED` if *labels* has none."""
    return labels[number] if 0 <= number < len(labels) else UNNAMED


def check_roles(outputs: Sequence[Output], *allowed: Tuple[str, ...]) -> None:
    """Raise ContractError if the roles of *outputs* are not one of the *allowed* sets, in any order."""
    roles = tuple(output.role for output in outputs)
    if sorted(roles) not in [sorted(known) for known in allowed]:
        raise ContractError(f"outputs {roles}: want {' or '.join(map(str, allowed))}")


def check_shape(output: Output, want: Tuple[int, ...], because: str) -> None:
    """Raise ContractError if *output* has another shape than the settings imply."""
    if output.shape != want:
        raise ContractError(f"output {output.role} has shape {output.shape}; {because} want {want}")
