"""PyCoral's tables of reference latencies of real boards: `MODEL INFERENCE_TIME`, in ms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from detlite.devices.log_lines import ended, real
from detlite.devices.recording import Format
from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError

HEADING = "MODEL INFERENCE_TIME"


@dataclass(frozen=True)
class Reference:
    """The mean latency of each model, by file name."""

    mean_ms: Mapping[str, float]
    problems: tuple[str, ...] = ()


def parse(text: str) -> tuple[Reference]:
    """Return the table in *text*.

    Raises:
        InputError: it is not such a table.
    """
    heading, _line, rest = text.lstrip().partition("\n")
    if heading.strip() != HEADING:
        raise InputError(f"no table of PyCoral's reference latencies: expected {HEADING!r} first, got {heading[:60]!r}")
    rest, problems = ended(rest)
    rows = [line.split() for line in rest.splitlines() if line.strip()]
    known = {row[0]: ms for row in rows if len(row) == 2 and (ms := real(row[1])) is not None and ms > 0}
    lost = len(rows) - len(known)
    problems += (f"{counted(lost, 'line is', 'lines are')} unreadable or duplicated",) if lost else ()
    return (Reference(known, problems),)


PLUGIN = Format(
    title="PyCoral's reference latencies",
    recognize=lambda text: text.lstrip().startswith(HEADING),
    parse=parse,
)
