"""Profiles of `benchmark_model --enable_op_profiling`: its table and its CSV; newer versions have no [start]."""

from __future__ import annotations

import re
from dataclasses import dataclass

from detlite.devices.log_lines import plain_lines, real, whole
from detlite.devices.recording import Format
from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError

SECTION = re.compile(r"= ([A-Za-z ]+) =")
RUN_ORDER, BY_TYPE = "Run Order", "Summary by node type"
INITIALIZATION = "Profiling Info for Benchmark Initialization"
OBSERVED = re.compile(r"(\d+) nodes observed")
COLUMNS = {
    "node type": "kind",
    "start": "start",
    "first": "first",
    "first_ms": "first",
    "avg ms": "mean",
    "avg_ms": "mean",
    "%": "percent",
    "avg %": "percent",
    "mem kb": "memory",
    "times called": "times",
    "count": "count",
    "name": "name",
}


@dataclass(frozen=True)
class Node:
    """One operator, or a delegate's part of the model.

    Attributes:
        kind: `CONV_2D`, `TfLiteXNNPackDelegate`.
        name: its output tensors' names, and its index after a colon.
        first_ms: the time of its first run.
        mean_ms: the mean over all its runs.
        percent: its share of the inference.
        memory_kb: the memory that it requested.
        times: how often it runs in one inference.
    """

    kind: str
    name: str
    first_ms: float | None
    mean_ms: float
    percent: float | None
    memory_kb: float | None
    times: int | None


@dataclass(frozen=True)
class Profile:
    """One report: on initialization, or on inference.

    Attributes:
        is_initialization: which of the two.
        nodes: in execution order.
        mean_by_kind_ms: the program's own sums by kind of node.
        problems: what is missing from the text, or contradicts itself.
    """

    is_initialization: bool
    nodes: tuple[Node, ...]
    mean_by_kind_ms: tuple[tuple[str, float], ...]
    problems: tuple[str, ...] = ()


def parse(text: str) -> tuple[Profile, ...]:
    """Return the reports in *text*, in order.

    Raises:
        InputError: there are none.
    """
    reports = _reports(plain_lines(text))
    if not reports:
        raise InputError("found no operator profile: expected a table below `==== Run Order ====`")
    return tuple(_profile(is_initialization, lines) for is_initialization, lines in reports)


def _reports(lines: list[str]) -> list[tuple[bool, list[str]]]:
    """Return the lines of each report; the first is on initialization unless a line says otherwise."""
    found: list[tuple[bool, list[str]]] = []
    initialization = False
    for line in lines:
        initialization = _heading(line, otherwise=initialization)
        if (section := SECTION.search(line)) and section[1].strip() == RUN_ORDER:
            found.append((initialization, []))
        if found:
            found[-1][1].append(line)
    return found


def _heading(line: str, *, otherwise: bool) -> bool:
    return INITIALIZATION in line if "Profiling Info for" in line else otherwise


def _profile(is_initialization: bool, lines: list[str]) -> Profile:
    sections: dict[str, list[str]] = {}
    name = ""
    for line in lines:
        if section := SECTION.search(line):
            name = section[1].strip()
        else:
            sections.setdefault(name, []).append(line)
    rows, bad = _rows(sections.get(RUN_ORDER, []))
    nodes = tuple(node for row in rows if (node := _node(row)) is not None)
    bad += len(rows) - len(nodes)
    sums, _bad = _rows(sections.get(BY_TYPE, []))
    by_kind = tuple((row["kind"], mean) for row in sums if (mean := real(row.get("mean", ""))) is not None)
    return Profile(is_initialization, nodes, by_kind, _problems(nodes, bad, "\n".join(lines)))


def _problems(nodes: tuple[Node, ...], bad: int, text: str) -> tuple[str, ...]:
    found = [f"{counted(bad, 'line of the table is', 'lines of the table are')} unreadable"] if bad else []
    observed = OBSERVED.findall(text)
    if not observed:
        found.append("it ends before `nodes observed`: truncated")
    elif [whole(count) for count in observed] != [len(nodes)]:
        found.append(f"{', '.join(observed)} nodes were observed, but {len(nodes)} are listed")
    return tuple(found)


def _rows(lines: list[str]) -> tuple[list[dict[str, str]], int]:
    """Return the rows below the first heading in *lines*, by column, and the number of unreadable ones."""
    rows: list[dict[str, str]] = []
    columns: list[str] = []
    separator, bad = ",", 0
    for line in lines:
        if not columns:  # the heading decides: in the CSV, names have tabs where the model has commas
            separator = "\t" if "\t" in line else ","
        cells = [cell.strip() for cell in line.strip("\t\r\n ").split(separator)]
        heading = [COLUMNS.get(cell.strip("[] ").lower(), "") for cell in cells]
        if "kind" in heading:
            columns = heading
        elif columns and len(cells) >= len(columns):
            last = len(columns) - 1
            name = f"{separator} ".join(cells[last:]).replace("\t", ",")  # names contain commas
            joined = [*cells[:last], name]
            rows.append({key: cell for key, cell in zip(columns, joined, strict=True) if key})
        elif columns and len(cells) > 1:
            bad += 1
    return rows, bad


def _node(row: dict[str, str]) -> Node | None:
    mean = real(row.get("mean", ""))
    if mean is None:
        return None
    return Node(
        kind=row["kind"],
        name=row.get("name", ""),
        first_ms=real(row.get("first", "")),
        mean_ms=mean,
        percent=real(row.get("percent", "").rstrip("%")),
        memory_kb=real(row.get("memory", "")),
        times=whole(row.get("times", "")),
    )


PLUGIN = Format(
    title="benchmark_model's profile of operators",
    recognize=lambda text: bool(re.search(r"= Run Order =", text)),
    parse=parse,
)
