"""A comparison as rows, as plain data, and as Markdown for a pull request."""

from __future__ import annotations

from typing import Any

from detlite.studies.compare.comparison import Change, Comparison
from detlite.studies.compare.run_kind import Figure

COLUMNS = ("figure", "first", "second", "change", "95 % interval", "verdict")


def rows(comparison: Comparison) -> list[tuple[str, ...]]:
    """Return one row of `COLUMNS` for each figure."""
    return [
        (
            change.title,
            _value(change.first),
            _value(change.second),
            _change(change),
            _interval(change),
            _verdict(change),
        )
        for change in comparison.changes
    ]


def record(comparison: Comparison) -> dict[str, Any]:
    """Return the comparison as plain data, for JSON."""
    return {
        "kind": comparison.first.kind,
        "first": _run(comparison.first.path, comparison.first.at("model_sha256")),
        "second": _run(comparison.second.path, comparison.second.at("model_sha256")),
        "different": [{"place": one.place, "first": one.first, "second": one.second} for one in comparison.different],
        "figures": [_figure(change) for change in comparison.changes],
        "findings": [said(change) for change in comparison.findings],
    }


def markdown(comparison: Comparison) -> str:
    """Return a heading, what differs in how the runs were made, and a table; no text of a record is markup."""
    count = len(comparison.findings)
    heading = f"{count} finding{'s' if count != 1 else ''}" if count else "no finding"
    first, second = (_escaped(str(run.path)) for run in (comparison.first, comparison.second))
    lines = [f"### {comparison.first.kind}: {heading}", "", f"{second} against {first}", ""]
    if comparison.different:
        lines += ["Not made alike:", "", *(f"- {_escaped(str(one))}" for one in comparison.different), ""]
    lines += ["| " + " | ".join(COLUMNS) + " |", "| --- |" + " ---: |" * 4 + " --- |"]
    for row, change in zip(rows(comparison), comparison.changes, strict=True):
        cells = [_escaped(cell) for cell in row]
        cells[-1] = f"**{cells[-1]}**" if change.is_finding else cells[-1]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def said(change: Change) -> str:
    """Return a finding in one line."""
    verb = "rose" if change.difference > 0 else "fell"
    way = f"from {_value(change.first)} to {_value(change.second)}"
    noise = f", 95 % interval {_interval(change)}" if change.noise else ", noise not known"
    return f"{change.title} {verb} by {_change(change).lstrip('+-')} ({way}{noise}), allowed is {change.limit}"


def _run(path: Any, sha256: Any) -> dict[str, Any]:
    return {"record": str(path), "model_sha256": sha256}


def _figure(change: Change) -> dict[str, Any]:
    return {
        "figure": change.name,
        "mark": change.mark or None,
        "unit": change.first.unit,
        "first": change.first.value,
        "second": change.second.value,
        "difference": change.difference,
        "difference_percent": change.percent,
        "difference_interval": list(change.noise) if change.noise else None,
        "limit": str(change.limit) if change.limit else None,
        "verdict": change.verdict,
        "is_finding": change.is_finding,
    }


def _value(figure: Figure) -> str:
    number = f"{figure.value:.0f}" if figure.unit == "bytes" else f"{figure.value:.4g}"
    return f"{number} {figure.unit}".strip()


def _change(change: Change) -> str:
    if change.first.unit == "%" or change.percent is None:
        return f"{change.difference:+.3g}"  # a percent of percents would be misread
    return f"{change.percent:+.1f} %"


def _interval(change: Change) -> str:
    if change.noise is None:
        return ""
    low, high = change.noise
    if change.first.unit == "%" or not change.first.value:
        return f"{low:+.3g} to {high:+.3g}"
    scale = 100 / abs(change.first.value)
    return f"{low * scale:+.1f} to {high * scale:+.1f} %"


def _verdict(change: Change) -> str:
    if change.is_finding:
        return f"{change.verdict}: over {change.limit}"
    if change.limit is not None and change.limit.is_passed_by(change.first.value, change.second.value):
        return f"{change.verdict}, though over {change.limit}"
    return change.verdict


def _escaped(text: str) -> str:
    flat = " ".join(text.split())
    return "".join(f"\\{mark}" if mark in "\\`*_{}[]<>()#|!~&" else mark for mark in flat)
