"""Profiles of `benchmark_model --enable_op_profiling`: its table and its CSV; newer ones have no [start]."""

from __future__ import annotations

import re
from dataclasses import dataclass

from detlite.devices.log_lines import plain_lines, real, whole
from detlite.devices.recording import Format
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
    """One operator, or what a delegate runs of the model.

    Attributes:
        kind: `CONV_2D`, `TfLiteXNNPackDelegate`.
        name: of its output tensors, with its place behind a colon.
        first_ms: its first run.
        mean_ms: of all its runs.
        percent: of the whole inference.
        memory_kb: that it asked for.
        times: how often it is called in one inference.
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
    """One report: of the initialization, or of the inferences.

    Attributes:
        is_initialization: which of the two.
        nodes: in the order in which they run.
        mean_by_kind_ms: the program's own sums, by kind of node.
        problems: what is missing from the text, or contradicts itself.
    """

    is_initialization: bool
    nodes: tuple[Node, ...]
    mean_by_kind_ms: tuple[tuple[str, float], ...]
    problems: tuple[str, ...] = ()


def parse(text: str) -> tuple[Profile, ...]:
    """Return the reports in *text*, in their order.

    Raises:
        InputError: there is none.
    """
    reports = _reports(plain_lines(text))
    if not reports:
        raise InputError("no profile of operators is in it: want a table below `==== Run Order ====`")
    return tuple(_profile(is_initialization, lines) for is_initialization, lines in reports)


def _reports(lines: list[str]) -> list[tuple[bool, list[str]]]:
    """Return the lines of each report; the first one is of the initialization where nothing says otherwise."""
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
    found = [f"{bad} lines of the table cannot be read"] if bad else []
    observed = OBSERVED.findall(text)
    if not observed:
        found.append("it ends before `nodes observed`: cut short")
    elif [whole(count) for count in observed] != [len(nodes)]:
        found.append(f"{', '.join(observed)} nodes were observed, and {len(nodes)} are listed")
    return tuple(found)


def _rows(lines: list[str]) -> tuple[list[dict[str, str]], int]:
    """Return the rows below the first heading among *lines*, by column, and how many could not be read."""
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
            name = f"{separator} ".join(cells[last:]).replace("\t", ",")  # names have commas themselves
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
