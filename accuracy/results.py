"""The results of an evaluation, as types and as the records that `detlite evaluate` writes and `compare` reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from detlite.accuracy.bootstrap import Interval
from detlite.accuracy.gates import Gate
from detlite.accuracy.metric import ClassScore, load_metric
from detlite.runtime.errors import InputError
from detlite.runtime.measure.device_mark import mark_of
from detlite.runtime.records import Record, from_record

T = TypeVar("T")

FIDELITY = "fidelity"
"""What a record without labels names as its metric."""


@dataclass(frozen=True)
class EvaluatedRun:
    """Which model was run over which images, where and how.

    Attributes:
        images: how many.
        objects: how many objects were found; None if the task finds none.
        model: its file.
        model_sha256: of the file, in hex.
        detect_wall_s: how long all images took, in seconds; None if that is not known.
        invoke_sum_s: the sum of the bare invoke times, in seconds.
        protocol: everything that decides the result: images, labels, metric, settings, runtime.
        device: where the model ran.
    """

    images: int
    objects: int | None
    model: str
    model_sha256: str
    detect_wall_s: float | None
    invoke_sum_s: float
    protocol: Mapping[str, object]
    device: Mapping[str, object]

    def to_record(self) -> Record:
        """Return it as plain data; the times of a simulated or emulated device are marked as such in their names."""
        mark = mark_of(dict(self.device))
        word = f"{mark}_" if mark else ""
        return {
            **({mark: True} if mark else {}),
            "images": self.images,
            **({} if self.objects is None else {"detections": self.objects}),
            "model": self.model,
            "model_sha256": self.model_sha256,
            **({f"{word}detect_wall_s": self.detect_wall_s} if self.detect_wall_s else {}),
            f"{word}invoke_sum_s": self.invoke_sum_s,
            "protocol": dict(self.protocol),
            "device": dict(self.device),
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> EvaluatedRun:
        """Return the run that `to_record` wrote."""
        mark = mark_of(record["device"])
        word = f"{mark}_" if mark else ""
        times = {
            "detect_wall_s": record.get(f"{word}detect_wall_s"),
            "invoke_sum_s": record[f"{word}invoke_sum_s"],
        }
        return from_record(cls, {**record, "objects": record.get("detections"), **times})


@dataclass(frozen=True)
class Drawn:
    """A number of an evaluation, and how sure it is.

    Attributes:
        value: in percent.
        interval: of a bootstrap over the images; None without one.
        draws: the number in each draw, the same draws for every model, so that two records can be compared; None in a
            draw that holds no object. Empty without a bootstrap.
    """

    value: float
    interval: Interval | None = None
    draws: tuple[float | None, ...] = ()

    def to_record(self, name: str) -> Record:
        """Return the interval and the draws of the number called *name*."""
        if self.interval is None:
            return {f"{name}_interval": None}
        return {f"{name}_interval": self.interval.to_record(), f"{name}_draws": list(self.draws)}

    @classmethod
    def from_record(cls, record: Mapping[str, Any], name: str) -> Drawn:
        """Return the number called *name* of *record*."""
        interval, draws = record.get(f"{name}_interval"), record.get(f"{name}_draws", ())
        return from_record(cls, {"value": record[name], "interval": interval, "draws": draws})


@dataclass(frozen=True)
class ReferenceScore:
    """The same score of a reference model, and how far the model is from it.

    Attributes:
        model_sha256: of the reference's file, in hex.
        numbers: its numbers, as `Accuracy.numbers`.
        difference: the model's headline less the reference's, in points.
        ratio: the model's headline over the reference's; None if that is 0.
        difference_interval: of the difference, from the same draws of the images; None without a bootstrap.
    """

    model_sha256: str
    numbers: Mapping[str, float | None]
    difference: float
    ratio: float | None
    difference_interval: Interval | None = None

    def to_record(self, name: str) -> Record:
        """Return it as plain data; *name* is the headline's."""
        record: Record = {
            "against": {"model_sha256": self.model_sha256, **self.numbers},
            f"{name}_difference": self.difference,
            f"{name}_ratio": self.ratio,
        }
        if self.difference_interval is not None:
            record[f"{name}_difference_interval"] = self.difference_interval.to_record()
        return record

    @classmethod
    def from_record(cls, record: Mapping[str, Any], name: str) -> ReferenceScore | None:
        """Return the reference of *record*; None if there is none."""
        if "against" not in record:
            return None
        numbers = dict(record["against"])
        known = {
            "model_sha256": numbers.pop("model_sha256"),
            "numbers": numbers,
            "difference": record[f"{name}_difference"],
            "ratio": record[f"{name}_ratio"],
            "difference_interval": record.get(f"{name}_difference_interval"),
        }
        return from_record(cls, known)


@dataclass(frozen=True)
class Accuracy:
    """How well a model does its task, by labels.

    Attributes:
        metric: the name of the metric.
        numbers: in percent, the headline first; None if no annotated object has that size.
        headline: the first number, with its interval.
        classes: the numbers of each class that has a truth that counts.
        run: which model was run over which images, where and how.
        draws: further numbers and those of classes (`ap:NAME`) in each draw of the bootstrap, by name, so that two
            records can be compared; empty without a bootstrap.
        reference: the same score of a reference model; None without one.
        fidelity: the agreement with the reference, in percent; None if it was not asked for.
        score_wall_s: how long scoring took, in seconds.
        gates: what was asked of it.
        wall_s: how long the whole evaluation took, in seconds.
    """

    metric: str
    numbers: Mapping[str, float | None]
    headline: Drawn
    classes: tuple[ClassScore, ...]
    run: EvaluatedRun
    draws: Mapping[str, tuple[float | None, ...]] = field(default_factory=dict)
    reference: ReferenceScore | None = None
    fidelity: Drawn | None = None
    score_wall_s: float = 0.0
    gates: tuple[Gate, ...] = ()
    wall_s: float = 0.0

    @property
    def headline_name(self) -> str:
        """What the headline is called: `map`, `top1`, `miou`."""
        return next(iter(self.numbers))

    @property
    def map(self) -> float | None:
        """The mAP in percent; None if the metric is another."""
        return self.numbers.get("map")

    @property
    def top1(self) -> float | None:
        """The top-1 accuracy in percent; None if the metric is another."""
        return self.numbers.get("top1")

    @property
    def miou(self) -> float | None:
        """The mean IoU in percent; None if the metric is another."""
        return self.numbers.get("miou")

    def gated_numbers(self) -> Mapping[str, float | None]:
        """Return the numbers that gates are about, by their names."""
        found = dict(self.numbers)
        if self.reference is not None:
            found[f"{self.headline_name}_ratio"] = self.reference.ratio
        return found | ({} if self.fidelity is None else {FIDELITY: self.fidelity.value})

    def to_record(self) -> Record:
        """Return it as plain data, for JSON."""
        name = self.headline_name
        record: Record = {"metric": self.metric, **self.numbers, **self.headline.to_record(name)}
        record |= {"draws": {key: list(each) for key, each in self.draws.items()}} if self.draws else {}
        record |= {} if self.reference is None else self.reference.to_record(name)
        record["per_class"] = [one.to_record() for one in self.classes]
        record["score_wall_s"] = self.score_wall_s
        record |= self.run.to_record()
        if self.fidelity is not None:
            record |= {FIDELITY: self.fidelity.value, **self.fidelity.to_record(FIDELITY)}
        return record | {"gates": [gate.to_record() for gate in self.gates], "wall_s": self.wall_s}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Accuracy:
        """Return the result that `to_record` wrote.

        Raises:
            InputError: *record* is something else, or its metric is not known.
        """
        return _read(_accuracy_of, record)


@dataclass(frozen=True)
class Agreement:
    """How far a model's results are a reference model's, without labels.

    Attributes:
        fidelity: in percent, by the measure of the task.
        measure: `map` for detectors, `top1` for classifiers, `miou` for segmentation.
        counts: of what was compared: `images`, `classes`, `matched_count` ...
        logit_snr_db: signal over noise of a classifier's logits, in dB; None where it cannot be told.
        run: which model was run over which images, where and how.
        gates: what was asked of it.
        wall_s: how long the whole evaluation took, in seconds.
    """

    fidelity: Drawn
    measure: str
    counts: Mapping[str, int]
    run: EvaluatedRun
    logit_snr_db: float | None = None
    gates: tuple[Gate, ...] = ()
    wall_s: float = 0.0

    def gated_numbers(self) -> Mapping[str, float | None]:
        """Return the number that a gate is about."""
        return {FIDELITY: self.fidelity.value}

    def to_record(self) -> Record:
        """Return it as plain data, for JSON."""
        return {
            "metric": FIDELITY,
            FIDELITY: self.fidelity.value,
            **self.counts,
            **({} if self.logit_snr_db is None else {"logit_snr_db": self.logit_snr_db}),
            **self.fidelity.to_record(FIDELITY),
            **self.run.to_record(),
            "gates": [gate.to_record() for gate in self.gates],
            "wall_s": self.wall_s,
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Agreement:
        """Return the result that `to_record` wrote; `InputError` where *record* is something else."""
        return _read(_agreement_of, record)


VIDEO_COUNTS = ("answers", "same_answers", "sure_answers", "same_sure_answers")
COUNTS = ("images", "classes", "reference_count", "found_count", "matched_count", *VIDEO_COUNTS)
"""The counts that a record of an agreement may hold."""

OLDER_MEASURE = "map"
"""Of records of version 0.1, which knew detectors alone."""


def _accuracy_of(record: Mapping[str, Any]) -> Accuracy:
    names = load_metric(record["metric"]).numbers
    return Accuracy(
        metric=record["metric"],
        numbers={name: record[name] for name in names},
        headline=Drawn.from_record(record, names[0]),
        classes=tuple(ClassScore.from_record(row) for row in record["per_class"]),
        run=EvaluatedRun.from_record(record),
        draws={key: tuple(each) for key, each in record.get("draws", {}).items()},
        reference=ReferenceScore.from_record(record, names[0]),
        fidelity=Drawn.from_record(record, FIDELITY) if FIDELITY in record else None,
        score_wall_s=record["score_wall_s"],
        gates=tuple(from_record(Gate, gate) for gate in record["gates"]),
        wall_s=record["wall_s"],
    )


def _agreement_of(record: Mapping[str, Any]) -> Agreement:
    if record["metric"] != FIDELITY:
        raise InputError(f"it is a score by {record['metric']}, not an agreement of two models")
    run = EvaluatedRun.from_record(record)
    return Agreement(
        fidelity=Drawn.from_record(record, FIDELITY),
        measure=str(run.protocol.get("agreement", OLDER_MEASURE)),
        counts={name: record[name] for name in COUNTS if name in record},
        run=run,
        logit_snr_db=record.get("logit_snr_db"),
        gates=tuple(from_record(Gate, gate) for gate in record["gates"]),
        wall_s=record["wall_s"],
    )


def _read(make: Callable[[Mapping[str, Any]], T], record: Mapping[str, Any]) -> T:
    try:
        return make(record)
    except InputError as error:
        raise InputError(f"the record of an evaluation cannot be read: {error}") from error
    except KeyError as error:
        raise InputError(f"the record of an evaluation has no {error}") from error
    except (TypeError, AttributeError, ValueError) as error:
        raise InputError(f"the record is not one of an evaluation: {' '.join(str(error).split())[:200]}") from error
