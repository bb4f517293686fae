"""The block `BENCHMARK RESULTS` of LiteRT's C++ and Python benchmark programs, and the latter's JSON."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

from detlite.devices.log_lines import ended, plain_lines, real, whole
from detlite.devices.recording import Format
from detlite.runtime.errors import InputError
from detlite.runtime.strict_json import parse_json

TITLE = re.compile(r"^=* ?BENCHMARK RESULTS ?=*$")
LINE = re.compile(r"([A-Z][A-Za-z0-9 ()]*[A-Za-z)]): +(\S+)(?: +(ms|MB/s|MB))?(?: +\((\d+) runs\))?")
JSON_NAMES = {
    "init_ms": "init_ms",
    "warmup_first_ms": "first_ms",
    "warmup_avg_ms": "warm_up_mean_ms",
    "num_warmup_runs": "warm_ups",
    "avg_ms": "mean_ms",
    "min_ms": "min_ms",
    "max_ms": "max_ms",
    "median_ms": "median_ms",
    "std_ms": "std_ms",
    "p5_ms": "p5_ms",
    "p95_ms": "p95_ms",
    "num_runs": "count",
}
NAMES = {
    "Model initialization": "init_ms",
    "First inference": "first_ms",
    "Warmup (first)": "first_ms",
    "Warmup (avg)": "warm_up_mean_ms",
    "Inference (avg)": "mean_ms",
    "Inference (min)": "min_ms",
    "Inference (max)": "max_ms",
    "Inference (median)": "median_ms",
    "Inference (std)": "std_ms",
    "Inference (p5)": "p5_ms",
    "Inference (p95)": "p95_ms",
    "Init footprint": "init_memory_mb",
    "Overall footprint": "memory_mb",
    "Peak memory": "peak_memory_mb",
}


@dataclass(frozen=True)
class LitertResults:
    """The results of one run; None for what it did not print.

    Attributes:
        count: the number of measured inferences.
        warm_ups: the number of warm-up inferences.
        fully_accelerated: whether the accelerator took the whole model, according to the Python program.
        problems: what is missing from the text.
    """

    count: int | None = None
    warm_ups: int | None = None
    init_ms: float | None = None
    first_ms: float | None = None
    warm_up_mean_ms: float | None = None
    mean_ms: float | None = None
    min_ms: float | None = None
    max_ms: float | None = None
    median_ms: float | None = None
    std_ms: float | None = None
    p5_ms: float | None = None
    p95_ms: float | None = None
    init_memory_mb: float | None = None
    memory_mb: float | None = None
    peak_memory_mb: float | None = None
    fully_accelerated: bool | None = None
    problems: tuple[str, ...] = ()


def parse(text: str) -> tuple[LitertResults, ...]:
    """Return the results in *text*, in order.

    Raises:
        InputError: there are none.
    """
    if text.lstrip().startswith("{"):
        return (_of_json(text),)
    text, problems = ended(text)
    blocks: list[list[str]] = []
    for line in plain_lines(text):
        if TITLE.match(line.strip()):
            blocks.append([])
        elif blocks:
            blocks[-1].append(line.strip())
    if not blocks:
        raise InputError("found no results of LiteRT's benchmark: expected the block `BENCHMARK RESULTS`, or its JSON")
    found = [_of_block(block) for block in blocks]
    return (*found[:-1], replace(found[-1], problems=found[-1].problems + problems))


def _of_block(lines: list[str]) -> LitertResults:
    values: dict[str, Any] = {}
    for line in lines:
        found = LINE.match(line)
        if found is None:
            continue
        name = NAMES.get(found[1])
        if name is not None:
            values[name] = real(found[2])
        if found[1] == "Fully accelerated" and found[2] in ("True", "False"):
            values["fully_accelerated"] = found[2] == "True"
        if found[4] is not None and name in ("mean_ms", "warm_up_mean_ms"):
            values["count" if name == "mean_ms" else "warm_ups"] = whole(found[4])
    return _checked(values)


def _of_json(text: str) -> LitertResults:
    try:
        record = parse_json(text)
    except InputError as error:
        raise InputError(f"the results of LiteRT's benchmark are not JSON: {error}") from error
    latency = record.get("latency") if isinstance(record, dict) else None
    if not isinstance(latency, dict):
        raise InputError("found no results of LiteRT's benchmark: expected an object with `latency`")
    values: dict[str, Any] = {name: _number(latency.get(key)) for key, name in JSON_NAMES.items()}
    values |= {name: None if values[name] is None else int(values[name]) for name in ("count", "warm_ups")}
    accelerated = record.get("fully_accelerated")
    return _checked(values | {"fully_accelerated": accelerated if isinstance(accelerated, bool) else None})


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return real(repr(value))


def _checked(values: dict[str, Any]) -> LitertResults:
    lacks = [name for name in ("mean_ms", "count") if values.get(name) is None]
    return LitertResults(**values, problems=(f"missing: {', '.join(lacks)}: truncated",) if lacks else ())


PLUGIN = Format(
    title="LiteRT's benchmark programs",
    recognize=lambda text: (
        bool(re.search(r"^=* ?BENCHMARK RESULTS ?=*$", text, re.M))
        or (text.lstrip().startswith("{") and '"latency"' in text and '"avg_ms"' in text)
    ),
    parse=parse,
)
