"""The output of `trtexec --exportProfile`: a list whose first element counts the runs; newer versions add medians."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from detlite.devices.log_lines import real
from detlite.devices.recording import Format
from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError
from detlite.runtime.strict_json import parse_json

BLOCK = re.compile(r"^\[.*?^\]", re.M | re.S)


@dataclass(frozen=True)
class EngineLayer:
    """One layer of an engine: its mean time per run, and the median if the version has it."""

    name: str
    mean_ms: float
    median_ms: float | None
    percent: float | None


@dataclass(frozen=True)
class EngineProfile:
    """The layers of an engine in execution order, and the number of runs that the means are over."""

    count: int | None
    layers: tuple[EngineLayer, ...]
    problems: tuple[str, ...] = ()


def parse(text: str) -> tuple[EngineProfile, ...]:
    """Return the profiles in *text*; the file has one.

    Raises:
        InputError: there are none.
    """
    found = tuple(_profile(rows) for rows in _lists(text))
    if not found:
        raise InputError('found no profile of trtexec: expected a list of {"name": ..., "averageMs": ...}, from [ to ]')
    return found


def _lists(text: str) -> list[list[Any]]:
    try:
        found = [parse_json(block[0]) for block in BLOCK.finditer(text)]
    except InputError as error:
        raise InputError(f"the profile of trtexec is not JSON: {str(error)[:100]}") from error
    return [rows for rows in found if isinstance(rows, list)]


def _profile(rows: list[Any]) -> EngineProfile:
    entries = [row for row in rows if isinstance(row, dict)]
    layers = tuple(layer for row in entries if (layer := _layer(row)) is not None)
    if not layers:
        raise InputError('the profile of trtexec has no layers: expected {"name": ..., "averageMs": ...}')
    counts = [row["count"] for row in entries if type(row.get("count")) is int]
    problems = () if counts else ("the number of runs is missing",)
    lost = len(rows) - len(layers) - len(counts[:1])
    if lost:
        problems = (*problems, f"{counted(lost, 'entry is', 'entries are')} not layers")
    return EngineProfile(counts[0] if counts else None, layers, problems)


def _layer(row: dict[str, Any]) -> EngineLayer | None:
    mean = _number(row.get("averageMs"))
    if not isinstance(row.get("name"), str) or mean is None:
        return None
    return EngineLayer(row["name"], mean, _number(row.get("medianMs")), _number(row.get("percentage")))


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    found = real(repr(value))
    return None if found is None or found < 0 else found


PLUGIN = Format(
    title="TensorRT's profile of layers",
    recognize=lambda text: '"averageMs"' in text and '"name"' in text,
    parse=parse,
)
