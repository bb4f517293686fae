"""A metric: from predictions and ground truth to numbers, the same per class, and for a bootstrap over the images."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from detlite.accuracy.classes import ClassMap
from detlite.runtime.arrays import Doubles
from detlite.runtime.contract import Contract
from detlite.runtime.errors import unknown_name
from detlite.runtime.plugins import load_plugin, plugin_names

METRICS = "detlite.accuracy.metrics"

Found = TypeVar("Found")
"""What models found in a list of images: `Detected` where the task is detection."""

Truth = TypeVar("Truth")
"""The labels of these images: `Annotations` where the task is detection."""


@dataclass(frozen=True)
class ClassScore:
    """One annotated class: how many *truths* count, and its *numbers* in percent; None if none has that size."""

    name: str
    truths: float
    numbers: Mapping[str, float | None]

    def to_record(self) -> dict[str, Any]:
        """Return it as plain data, for JSON."""
        return {"class": self.name, "truths": self.truths, **self.numbers}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> ClassScore:
        """Return the class that `to_record` wrote."""
        numbers = {key: value for key, value in record.items() if key not in ("class", "truths")}
        return cls(record["class"], record["truths"], numbers)


@dataclass(frozen=True)
class Scores:
    """What a metric found: its *numbers* in percent, and the *classes* that have a truth that counts."""

    numbers: Mapping[str, float | None]
    classes: tuple[ClassScore, ...]


@dataclass(frozen=True)
class Metric(Generic[Found, Truth]):
    """One way to score; its name is its file's name, with hyphens.

    Attributes:
        title: what it is, in one line.
        source: where it is defined.
        task: the kind of task that it scores.
        takes: the data sets whose labels it applies to, by their names; empty for all.
        numbers: the names of its numbers, which `schemas/accuracy.json` describes; the first is the headline, which is
            compared and has an interval.
        titles: what a reader calls each of its numbers; those without one have their name.
        protocol: its constants, as a record states them.
        score: returns the numbers; the predictions are for the labelled images, in the same order.
        weighted: returns the headline in percent for each row of weights, float64 (draws, images): how often each
            image counts.
        weighted_others: returns the draws of further numbers by their names, and of a class's as `ap:NAME`; those of
            which nothing is returned are never called better or worse.
        prepare: does what need not wait for predictions, such as importing: called while the model runs.
        check: raises `InputError` if the labels do not fit the model's contract; called before the model runs.
        needs_verified: whether it needs Open Images' image-level labels; a metric that does not need them takes none.
    """

    title: str
    source: str
    task: str
    takes: tuple[str, ...]
    numbers: tuple[str, ...]
    protocol: Mapping[str, object]
    score: Callable[[Found, Truth, ClassMap], Scores]
    weighted: Callable[[Found, Truth, ClassMap, Doubles], Doubles]
    titles: Mapping[str, str] = field(default_factory=dict)
    weighted_others: Callable[[Found, Truth, ClassMap, Doubles], Mapping[str, Doubles]] = lambda *_given: {}
    prepare: Callable[[], None] = lambda: None
    check: Callable[[Contract, Truth, ClassMap], None] = lambda *_given: None
    needs_verified: bool = False


def metric_names() -> tuple[str, ...]:
    """Return the names of all metrics; none is imported."""
    return tuple(name.replace("_", "-") for name in plugin_names(METRICS))


def load_metric(name: str) -> Metric[Any, Any]:
    """Return the metric *name*; `UnknownNameError` if there is none."""
    if name not in metric_names():
        raise unknown_name("metric", name, metric_names())
    metric: Metric[Any, Any] = load_plugin(METRICS, name.replace("-", "_"))
    return metric
