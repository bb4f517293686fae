"""Accuracy runs: the same images drawn for both, so that what is hard for both falls out of the difference."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from detlite.accuracy.bootstrap import SEED, interval_of
from detlite.accuracy.coco import KEYS
from detlite.runtime.arrays import Doubles
from detlite.studies.compare.run_kind import Figure, RunKind, RunRecord, Span, flat

HEADLINES = ("map", "top1", "miou")
DRAWN = (*HEADLINES, "fidelity")
SAME_IMAGES = ("images", "protocol.annotations_sha256", "protocol.images_sha256")
OF_REFERENCE = tuple(f"{name}_{what}" for name in HEADLINES for what in ("ratio", "difference"))
FIGURES = (*KEYS, "top1", "top5", "miou", "pixel_accuracy", *OF_REFERENCE, "fidelity")
UNITS = {f"{name}_ratio": "" for name in HEADLINES}
SHARE_KNOWN = 0.99  # of the draws: a class in fewer than five images is in fewer of them, and its draws say nothing
CLASS_FIGURES = ("ap", "top1", "iou")
"""What a class may have: by the metrics of detection, classification and segmentation."""
ORIENTATION = "protocol.orientation"
HARMLESS = ("protocol.threads",)  # of the protocol: it makes the score come sooner, not another


def figures(record: RunRecord) -> Mapping[str, Figure]:
    """Return the numbers of the metric in percent, and `ap:NAME`, `top1:NAME` or `iou:NAME` of each class."""
    found = {}
    for name in FIGURES:
        value = record.number(name)
        if value is not None:
            found[name] = Figure(value, UNITS.get(name, "%"), higher_is_better=True)
    rows = record.at("per_class") or []
    if not isinstance(rows, list) or not all(isinstance(row, dict) and "class" in row for row in rows):
        raise record.wrong("per_class is no list of classes")
    for row in rows:
        for name in CLASS_FIGURES:
            value = RunRecord(record.path, record.kind, row).number(name)
            if value is not None:
                found[f"{name}:{row['class']}"] = Figure(value, "%", higher_is_better=True)
    return found


def conditions(record: RunRecord) -> Mapping[str, Any]:
    """Return the protocol: the same images, labels, metric, resize rule, NMS and runtime."""
    known = {ORIENTATION: "stored", **flat(record, "protocol")}  # all were, before it was recorded
    return {place: value for place, value in known.items() if place not in HARMLESS}


def noise(first: RunRecord, second: RunRecord) -> Mapping[str, Span]:
    """Return the interval of every figure that both drew, from the same draws of the same images; empty without.

    It is corrected for the bias of the draws, as `detlite.accuracy.bootstrap.interval_of` says.
    """
    seeds = [{str(run.at(f"{name}_interval.seed")) for name in DRAWN} - {"None"} for run in (first, second)]
    if len(seeds[0]) != 1 or seeds[0] != seeds[1] or any(first.at(where) != second.at(where) for where in SAME_IMAGES):
        return {}
    before, after = (_all_draws(run) for run in (first, second))
    old, new = figures(first), figures(second)
    found = {
        name: _noise(before[name], after[name], new[name].value - old[name].value)
        for name in before
        if name in after and name in old and name in new
    }
    return {name: span for name, span in found.items() if span is not None}


def _noise(before: Doubles, after: Doubles, difference: float) -> Span | None:
    if len(before) != len(after):
        return None
    differences = after - before
    known = differences[np.isfinite(differences)]
    if len(known) < 2 or len(known) < SHARE_KNOWN * len(differences):
        return None
    interval = interval_of(known, SEED, value=difference)
    return interval.low, interval.high


def _all_draws(record: RunRecord) -> dict[str, Doubles]:
    """Return the draws of the headline, of fidelity, and of the further numbers and classes of *record*."""
    others = record.at("draws")
    if others is not None and not isinstance(others, dict):
        raise record.wrong("draws is no object of lists")
    listed = {name: (f"{name}_draws", record.at(f"{name}_draws")) for name in DRAWN}
    listed |= {name: (f"draws of {name}", values) for name, values in (others or {}).items()}
    return {name: _draws(record, *one) for name, one in listed.items() if isinstance(one[1], list)}


def _draws(record: RunRecord, title: str, values: list[Any]) -> Doubles:
    known = RunRecord(record.path, record.kind, {title: [value for value in values if value is not None]})
    numbers = iter(known.numbers(title) or ())
    return np.array([np.nan if value is None else next(numbers) for value in values], dtype=np.float64)


PLUGIN = RunKind(figures, lambda name: ":" not in name, conditions, noise)
