"""A metric: from detections and ground truth to an mAP, the same per class, and again with images drawn anew."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from detlite.accuracy.classes import ClassMap
from detlite.runtime.arrays import Doubles
from detlite.runtime.errors import unknown_name
from detlite.runtime.plugins import load_plugin, plugin_names

METRICS = "detlite.accuracy.metrics"

Found = TypeVar("Found")
"""What models found in a list of images: `Detected` where the task is detection."""

Truth = TypeVar("Truth")
"""The labels of these images: `Annotations` where the task is detection."""


@dataclass(frozen=True)
class ClassScore:
    """One annotated class: *truths* is how many objects count; *numbers* are in percent, None where none is so big."""

    name: str
    truths: float
    numbers: Mapping[str, float | None]

    def to_record(self) -> dict[str, Any]:
        """Return it as plain data, for JSON."""
        return {"class": self.name, "truths": self.truths, **self.numbers}


@dataclass(frozen=True)
class Scores:
    """What a metric found: *numbers* in percent, `map` first; *classes* are those with an object that counts."""

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
        protocol: its constants, as a record states them.
        score: the numbers; the detections' images are those of the annotations, in the same order.
        weighted: the mAP in percent for each row of weights, float64 (draws, images): how often each image counts.
        prepare: does what need not wait for detections, such as importing: called beside the detecting.
        needs_verified: whether it needs Open Images' image-level labels; a metric that does not need them takes none.
    """

    title: str
    source: str
    task: str
    takes: tuple[str, ...]
    protocol: Mapping[str, object]
    score: Callable[[Found, Truth, ClassMap], Scores]
    weighted: Callable[[Found, Truth, ClassMap, Doubles], Doubles]
    prepare: Callable[[], None] = lambda: None
    needs_verified: bool = False


def metric_names() -> tuple[str, ...]:
    """Return the names of all metrics; none is imported."""
    return tuple(name.replace("_", "-") for name in plugin_names(METRICS))


def load_metric(name: str) -> Metric[Any, Any]:
    """Return the metric *name*; `UnknownNameError` where there is none."""
    if name not in metric_names():
        raise unknown_name("metric", name, metric_names())
    metric: Metric[Any, Any] = load_plugin(METRICS, name.replace("-", "_"))
    return metric
