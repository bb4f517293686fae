"""Measured accuracy and latency for a manifest: what `detlite evaluate --json` and `measure --json` wrote."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

from detlite.runtime.errors import InputError

MAX_BYTES = 1 << 26
LATENCY, ACCURACY = "detlite.measurement", "detlite.accuracy"
KEPT = {
    LATENCY: (
        *("model_sha256", "scenario", "runtime", "threads", "validity", "device", "samples", "cautions"),
        *("latency_p50_ms", "latency_p50_interval_ms", "latency_p90_ms", "latency_p99_ms", "first_ms"),
    ),
    ACCURACY: (
        *("model_sha256", "images", "metric", "protocol", "map", "map50", "map75", "map_interval"),
        *("fidelity", "fidelity_interval"),
    ),
}
"""What of each record a manifest has: the figures and how they came about, not every sample."""

NUMBERS = {LATENCY: ("latency_p50_ms", "samples", "threads"), ACCURACY: ("images",)}
SCORES = ("map", "fidelity")

Record = dict[str, Any]


def read_figures(paths: Collection[Path], models: Collection[str]) -> dict[str, list[Record]]:
    """Return `accuracy` and `latency`, the figures in the files *paths*, each of a model whose sha256 is in *models*.

    Raises:
        InputError: a file is no such record, of another model, or of an invalid measurement.
    """
    found: dict[str, list[Record]] = {"accuracy": [], "latency": []}
    for path in paths:
        record = _read(path)
        schema = record["schema"]
        if record.get("model_sha256") not in models:
            raise InputError(
                f"{path} is of the model with the sha256 {str(record.get('model_sha256'))[:12]}, which is not in the "
                f"package; there are {', '.join(sorted(sha[:12] for sha in models))}"
            )
        if schema == LATENCY and record.get("validity") != "VALID":
            raise InputError(f"{path} is a measurement that is {record.get('validity')}: measure again")
        kept = {key: record[key] for key in KEPT[schema] if key in record}
        found["latency" if schema == LATENCY else "accuracy"].append(kept)
    return found


def _read(path: Path) -> Record:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InputError(f"{path} has over {MAX_BYTES} bytes; want what detlite measure or evaluate wrote")
        record = json.loads(path.read_text(encoding="utf-8"), parse_constant=_no_number)
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path} cannot be read as JSON: {error}") from error
    schema = record.get("schema") if isinstance(record, dict) else None
    if schema not in KEPT:
        raise InputError(
            f"{path} is of the schema {schema!r:.60}; want what detlite measure --json or detlite evaluate --json wrote"
        )
    numbers = [*NUMBERS[schema], *(key for key in SCORES if key in record)]
    wrong = [key for key in numbers if not isinstance(record.get(key), int | float)]
    if schema == LATENCY and not isinstance(record.get("device"), dict):
        wrong.append("device")
    if wrong or (schema == ACCURACY and not any(key in record for key in SCORES)):
        raise InputError(f"{path} is damaged: it lacks {', '.join(wrong) or ' or '.join(SCORES)}; measure again")
    return dict(record)


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no number of JSON")
