"""A comparison of two runs as rows, and as Markdown for a pull request."""

from __future__ import annotations

from detlite.runtime.counts import counted
from detlite.studies.compare.comparison import Change, RunComparison, change_text, interval_text, value_text

COLUMNS = ("figure", "first", "second", "change", "95 % interval", "verdict")


def rows(comparison: RunComparison) -> list[tuple[str, ...]]:
    """Return one row of `COLUMNS` for each figure."""
    return [
        (
            change.title,
            value_text(change.first),
            value_text(change.second),
            change_text(change),
            interval_text(change),
            _verdict(change),
        )
        for change in comparison.changes
    ]


def markdown(comparison: RunComparison) -> str:
    """Return a heading, what differs in how the runs were made, and a table; no text of a record is markup."""
    count = len(comparison.findings)
    heading = counted(count, "finding") if count else "no finding"
    first, second = (_escaped(run.record) for run in (comparison.first, comparison.second))
    lines = [f"### {comparison.kind}: {heading}", "", f"{second} against {first}", ""]
    if comparison.different:
        lines += ["Not comparable:", "", *(f"- {_escaped(str(one))}" for one in comparison.different), ""]
    lines += ["| " + " | ".join(COLUMNS) + " |", "| --- |" + " ---: |" * 4 + " --- |"]
    for row, change in zip(rows(comparison), comparison.changes, strict=True):
        cells = [_escaped(cell) for cell in row]
        cells[-1] = f"**{cells[-1]}**" if change.is_finding else cells[-1]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _verdict(change: Change) -> str:
    if change.is_finding:
        return f"{change.verdict}: over {change.limit}"
    if change.limit is not None and change.limit.is_passed_by(change.first.value, change.second.value):
        return f"{change.verdict}, though over {change.limit}"
    return change.verdict


def _escaped(text: str) -> str:
    flat = " ".join(text.split())
    return "".join(f"\\{mark}" if mark in "\\`*_{}[]<>()#|!~&" else mark for mark in flat)
