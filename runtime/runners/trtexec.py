"""Reading the output of TensorRT's `trtexec --exportTimes`; its keys changed with version 8.4."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List, Mapping

from detlite.runtime.errors import InputError
from detlite.runtime.limited_file import read_limited
from detlite.runtime.strict_json import parse_json

STAGES = (("input", ("h2dMs", "inMs")), ("invoke", ("computeMs",)), ("postprocess", ("d2hMs", "outMs")))
"""Stages: copying to the GPU, computing, copying back; the names since version 8.4, then the older ones."""

LONGEST_MS = 1e12  # thirty years
MOST_BYTES = 1 << 30


def read_times(path: Path) -> Mapping[str, List[int]]:
    """Return the times in the file that `--exportTimes` wrote, in ns by stage, and `latency`: one value per query.

    Raises:
        InputError: it is not such a file.
    """
    rows = _read(path)
    if not all("latencyMs" in row for row in rows) or not rows:
        raise InputError(f"{path}: want the list that trtexec --exportTimes writes, with latencyMs in each entry")
    found: Dict[str, List[int]] = {"latency": [_ns(path, row["latencyMs"]) for row in rows]}
    for stage, names in STAGES:
        known = next((name for name in names if name in rows[0]), None)
        if known is not None and all(known in row for row in rows):
            found[stage] = [_ns(path, row[known]) for row in rows]
    return found


def _read(path: Path) -> List[Dict[str, Any]]:
    data = read_limited(path, "an export of trtexec", MOST_BYTES)
    try:
        rows = parse_json(data)
    except InputError as error:
        raise InputError(f"{path} cannot be read as an export of trtexec: {error}") from error
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise InputError(f"{path}: want a list, as trtexec exports it")
    return rows


def _ns(path: Path, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= LONGEST_MS:
        raise InputError(f"{path} holds the time {value!r:.40}; want milliseconds of 0 or more")
    return round(value * 1e6)
