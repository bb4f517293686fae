"""What a model says about a list of images, and how a kind of task is compared with a reference model."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from detlite.runtime.arrays import Doubles
from detlite.runtime.contract import Contract
from detlite.runtime.errors import InputError
from detlite.runtime.plugins import load_plugin, plugin_names
from detlite.runtime.task import task_kind

SCORED_TASKS = "detlite.accuracy.tasks"

Self = TypeVar("Self", bound="Predictions")
P = TypeVar("P", bound="Predictions")


@dataclass(frozen=True, eq=False, kw_only=True)
class Predictions(ABC):
    """The results in a list of images, all in one; a subclass for each kind of task adds the columns of its results.

    Attributes:
        sizes: int64, (images, 2): (height, width) of each image as it was decoded, in pixels.
        invoke_ns: int64, (images,): how long the interpreter alone took.
        wall_s: how long all of it took, from the request to the last answer; 0 if that is not known.
        runtime: the interpreter's package and version.
    """

    unkept: ClassVar[tuple[str, ...]] = ()
    """Columns that no store keeps: they are large, and no score by labels needs them."""

    sizes: NDArray[np.int64]
    invoke_ns: NDArray[np.int64]
    wall_s: float = 0.0
    runtime: str = ""

    @property
    def invoke_sum_s(self) -> float:
        """The sum of the bare invoke times, in seconds."""
        return float(self.invoke_ns.sum()) / 1e9

    @property
    def count(self) -> int | None:
        """How many objects were found; None if the task finds none."""
        return None

    @property
    def protocol(self) -> Mapping[str, object]:
        """What decides these results besides the model and the images; nothing unless a subclass says so."""
        return {}

    @abstractmethod
    def records(self) -> Iterator[Mapping[str, Any]]:
        """Yield the result of each image as `detlite.runtime.task.Result.to_record` writes it."""

    @classmethod
    @abstractmethod
    def join(cls: type[Self], parts: Sequence[Self]) -> Self:
        """Return the predictions in one list of images of the ones in its *parts*."""


def joined_columns(parts: Sequence[Predictions], *names: str) -> dict[str, Any]:
    """Return the columns *names* of *parts* one after the other, with the fields that all predictions have."""
    columns = {name: np.concatenate([getattr(part, name) for part in parts]) for name in (*names, "sizes", "invoke_ns")}
    return {**columns, "wall_s": sum(part.wall_s for part in parts), "runtime": parts[0].runtime}


def refuse_other_images(found: Predictions, reference: Predictions) -> None:
    """Raise `InputError` where two models did not see the same images."""
    if found.sizes.shape != reference.sizes.shape or (found.sizes != reference.sizes).any():
        raise InputError("the two artifacts did not see the same images: their sizes differ")


@dataclass(frozen=True)
class Concordance:
    """How far a model's predictions are those of a reference model, on the same images.

    Attributes:
        fidelity: in percent, by the measure of the task.
        counts: of what was compared, by their names in a record.
        weighted: returns the fidelity for each row of weights, float64 (draws, images): how often each image counts.
    """

    fidelity: float
    counts: Mapping[str, int]
    weighted: Callable[[Doubles], Doubles]


@dataclass(frozen=True)
class ScoredTask(Generic[P]):
    """How predictions of one kind of task are held and compared; its file's name is the kind's.

    Attributes:
        predictions: made from the columns of the task's results.
        agreement: what `fidelity` is for this task: `map`, `top1`, `miou`.
        agree: compares a model's predictions with a reference's. It raises `InputError` if the images differ, or the
            reference says nothing that could be found again.
        protocol: returns what the settings in a contract add to the protocol of an evaluation.
        agreement_protocol: the constants of the agreement, as a record states them.
        snr: returns the signal over noise of the predictions in dB, for the contracts of both models; None where it
            cannot be told.
    """

    predictions: type[P]
    agreement: str
    agree: Callable[[P, P], Concordance]
    protocol: Callable[[Contract], Mapping[str, object]]
    agreement_protocol: Mapping[str, object] = field(default_factory=dict)
    snr: Callable[[P, P, tuple[Contract, Contract]], float | None] = lambda _found, _reference, _contracts: None


def scored_task(kind: str) -> ScoredTask[Any]:
    """Return how predictions of the tasks called *kind* are scored; `InputError` if they are not."""
    known = plugin_names(SCORED_TASKS)
    if kind not in known:
        raise InputError(f"the model's task is {kind}, which is not scored yet; scored are: {', '.join(known)}")
    task: ScoredTask[Any] = load_plugin(SCORED_TASKS, kind)
    return task


def predictions_in(kind: str, records: Sequence[Mapping[str, Any]], wall_s: float, runtime: str) -> Predictions:
    """Return what the lines *records* hold, one image each, of a model whose task is of this *kind*.

    Args:
        kind: of the task.
        records: see `detlite.runtime.result_lines`.
        wall_s: how long it took; 0 if that is not known.
        runtime: the interpreter's package and version.
    """
    result = task_kind(kind).result
    made: Predictions = scored_task(kind).predictions(
        **result.columns([result.from_record(record) for record in records]),
        sizes=np.array([record["size"] for record in records], np.int64).reshape(-1, 2),
        invoke_ns=np.array([record["invoke_ns"] for record in records], np.int64),
        wall_s=wall_s,
        runtime=runtime,
    )
    return made
