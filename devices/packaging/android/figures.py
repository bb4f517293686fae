"""Measured accuracy and latency for a manifest, from the output of `detlite evaluate --json` and `measure --json`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from detlite.runtime.errors import InputError
from detlite.runtime.limited_file import read_limited
from detlite.runtime.measure.results import SCHEMA as LATENCY
from detlite.runtime.measure.results import Measurement
from detlite.runtime.strict_json import parse_json

MAX_BYTES = 1 << 26
ACCURACY = "detlite.accuracy"
LATENCY_KEPT = (
    *("model_sha256", "scenario", "runtime", "threads", "validity", "device", "samples", "cautions", "first_ms"),
    *("latency", "invoke"),
)
ACCURACY_KEPT = (
    *("model_sha256", "images", "metric", "protocol", "map", "map50", "map75", "map_interval"),
    *("top1", "top5", "top1_interval", "miou", "pixel_accuracy", "miou_interval", "fidelity", "fidelity_interval"),
)
"""What of each record a manifest has: the figures and how they came about, not every sample."""

SCORES = ("map", "top1", "miou", "fidelity")

Record = dict[str, Any]


def read_figures(paths: Collection[Path], models: Collection[str]) -> dict[str, list[Record]]:
    """Return `accuracy` and `latency`, the figures in the files *paths*, each of a model whose sha256 is in *models*.

    Raises:
        InputError: a file is no such record, of another model, or of an invalid measurement.
    """
    found: dict[str, list[Record]] = {"accuracy": [], "latency": []}
    for path in paths:
        record = _read(path)
        is_latency = record["schema"] == LATENCY
        known = _measurement(path, record).to_record() if is_latency else _accuracy(path, record)
        if known.get("model_sha256") not in models:
            raise InputError(
                f"{path} is of the model with the sha256 {str(known.get('model_sha256'))[:12]}, which is not in the "
                f"package; there are {', '.join(sorted(sha[:12] for sha in models))}"
            )
        kept = {key: known[key] for key in (LATENCY_KEPT if is_latency else ACCURACY_KEPT) if key in known}
        found["latency" if is_latency else "accuracy"].append(kept)
    return found


def _read(path: Path) -> Record:
    data = read_limited(path, "the JSON that detlite measure or evaluate wrote", MAX_BYTES)
    try:
        record = parse_json(data)
    except InputError as error:
        raise InputError(f"{path} cannot be read as JSON: {error}") from error
    schema = record.get("schema") if isinstance(record, dict) else None
    if schema not in (LATENCY, ACCURACY):
        raise InputError(
            f"{path} is of the schema {schema!r:.60}; want what detlite measure --json or detlite evaluate --json wrote"
        )
    return dict(record)


def _measurement(path: Path, record: Mapping[str, Any]) -> Measurement:
    try:
        found = Measurement.from_record(record)
    except InputError as error:
        raise InputError(f"{path} is damaged: {error}; measure again") from error
    if found.validity != "VALID":
        raise InputError(f"{path} is a measurement that is {found.validity}: measure again")
    if found.invoke.p50_ms is None and found.latency.p50_ms is None:
        raise InputError(f"{path} has too few samples for a median: measure again")
    return found


def _accuracy(path: Path, record: Record) -> Record:
    numbers = ["images", *(key for key in SCORES if key in record)]
    wrong = [key for key in numbers if not isinstance(record.get(key), int | float)]
    if wrong or not any(key in record for key in SCORES):
        raise InputError(f"{path} is damaged: it lacks {', '.join(wrong) or ' or '.join(SCORES)}; measure again")
    return record
