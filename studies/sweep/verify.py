"""Figures of a store, derived again from what was kept: latencies from samples, accuracies from predictions."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from detlite.accuracy.dataset import DatasetFiles
from detlite.accuracy.evaluation import as_read
from detlite.accuracy.ground_truth import read_labelled
from detlite.accuracy.metric import load_metric
from detlite.accuracy.predictions import scored_task
from detlite.runtime.artifact import read_artifact
from detlite.runtime.errors import DetliteError
from detlite.runtime.measure.run_summary import latency_of
from detlite.runtime.records import from_record
from detlite.runtime.strict_json import parse_json
from detlite.studies.store.entry import DONE, ResultRecord
from detlite.studies.store.store import Store
from detlite.studies.sweep.graph import EVALUATE, MEASURE
from detlite.studies.sweep.run_stage import artifact_of

TOLERANCE = 1e-9
"""Relative: the same code over the same data gives the same numbers."""


@dataclass(frozen=True)
class DerivedFigures:
    """How many figures were derived again, which are `wrong`, and which results are `unchecked` and why."""

    checked: int
    wrong: tuple[str, ...]
    unchecked: tuple[str, ...]


def verify_figures(store: Store) -> DerivedFigures:
    """Derive every latency and accuracy in *store* again and compare it with its record."""
    checked, wrong, unchecked = 0, [], []
    for entry in store.scan().entries:
        if entry.status != DONE or entry.kind not in (MEASURE, EVALUATE):
            continue
        try:
            figures = _latencies(store, entry) if entry.kind == MEASURE else _accuracies(store, entry)
        except KeyError as error:
            unchecked.append(f"{entry.kind} {entry.key[:12]}: it kept no {error.args[0]}")
            continue
        except (DetliteError, OSError, ValueError) as error:
            unchecked.append(f"{entry.kind} {entry.key[:12]}: {' '.join(str(error).split())[:300]}")
            continue
        checked += len(figures)
        for name, value in figures.items():
            told = entry.facts.get(name)
            if told is None or not math.isclose(float(told), value, rel_tol=TOLERANCE, abs_tol=TOLERANCE):
                wrong.append(f"{entry.kind} {entry.key[:12]}: {name} is recorded as {told}, and its data give {value}")
    return DerivedFigures(checked, tuple(wrong), tuple(unchecked))


def _latencies(store: Store, entry: ResultRecord) -> Mapping[str, float]:
    processes = parse_json(store.get(entry.blobs["samples"]))["samples_ns"]
    figures: dict[str, float] = {}
    for name, kind in (("latency", "latency"), ("invoke", "invoke")):
        found = latency_of([np.array(process[kind], np.int64) for process in processes])
        for percent in (50, 90, 99):
            value = found.percentile_ms(percent)
            if value is not None and f"{name}_p{percent}_ms" in entry.facts:
                figures[f"{name}_p{percent}_ms"] = value
    return figures


def _accuracies(store: Store, entry: ResultRecord) -> Mapping[str, float]:
    asked: Mapping[str, Any] = entry.result["request"]
    contract = read_artifact(artifact_of(store.root, entry.digests.model)).contract
    truth, name = read_labelled(
        from_record(DatasetFiles, asked["dataset"]),
        contract.task.kind,
        contract.labels,
        metric=asked["metric"],
        known_only=asked["known_classes"],
    )
    with np.load(io.BytesIO(store.get(entry.blobs["predictions"]))) as columns:
        if "is_read" in columns.files:
            truth = as_read(truth, columns["is_read"])
        kind = scored_task(contract.task.kind).predictions
        names = [one.name for one in fields(kind) if one.name in columns.files]
        found = kind(**{name: columns[name] for name in names})
    scores = load_metric(name).score(found, truth.annotations, truth.classes)
    return {key: value for key, value in scores.numbers.items() if value is not None}
