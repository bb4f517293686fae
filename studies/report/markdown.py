"""The report as Markdown, with the same facts, for a pull request or a wiki. Detections in pictures are listed."""

from __future__ import annotations

from collections.abc import Sequence

from detlite.runtime.counts import counted
from detlite.runtime.version import __version__
from detlite.studies.report.headline import WORDS, headline, megabytes, milliseconds, percent
from detlite.studies.report.report import Report

SPECIAL = "\\`*_{}[]<>#|!&~$"

GATE_COLUMNS = ("", "Asked", "Reached [95 %]", "Passed")

UNKNOWN = "–"
"""Shown in a table for a missing value."""


def to_markdown(report: Report) -> str:
    """Return *report* as GitHub-flavoured Markdown; every text in it is escaped."""
    blocks = _head(report)
    blocks.append(table(("", "", ""), [(f.label, f.value, f.detail) for f in headline(report)]))
    blocks += ["## Models", _models(report)]
    if report.accuracy:
        blocks += ["## Accuracy", _accuracy(report)]
    if report.latencies:
        blocks += ["## Latency", _latency(report)]
    for own in report.tables:
        blocks += [f"## {escape(own.title)}", escape(own.lead), table(own.columns, own.rows)]
    if report.pictures:
        blocks += ["## Side by side", _pictures(report)]
    if report.steps:
        steps = [f"{n}. **{escape(s.name)}** {escape(s.text)}" for n, s in enumerate(report.steps, start=1)]
        blocks += ["## How it was made", "\n".join(steps)]
    if report.repairs:
        blocks += ["## Repairs", _list(report.repairs)]
    if report.machine:
        blocks += ["## Measured on", table(("", ""), report.machine)]
    if report.notes:
        blocks += ["## Notes", _list(report.notes)]
    return "\n\n".join([*blocks, f"Written by detlite {__version__}."]) + "\n"


def _head(report: Report) -> list[str]:
    """Return the title, the date, the verdict, the gates and the cautions."""
    dated = [escape(report.date)] if report.date else []
    blocks = [f"# {escape(report.title)}", *dated, f"**{WORDS[report.status]}** {escape(report.verdict)}"]
    if report.gates:
        rows = [(gate.name, gate.asked, gate.reached, "yes" if gate.passed else "no") for gate in report.gates]
        blocks.append(table(GATE_COLUMNS, rows))
    if report.cautions:
        blocks += ["**Cautions**", _list(report.cautions)]
    return blocks


def escape(text: str) -> str:
    """Return *text* escaped for Markdown, on one line."""
    return "".join(f"\\{letter}" if letter in SPECIAL else letter for letter in " ".join(text.split()))


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table of texts, each escaped."""
    lines = [columns, *([escape(cell) for cell in row] for row in rows)]
    written = [f"| {' | '.join(line)} |" for line in lines]
    return "\n".join([written[0], f"|{' --- |' * len(columns)}", *written[1:]])


def _models(report: Report) -> str:
    rows = [
        (
            m.name,
            m.file,
            UNKNOWN if m.size_bytes is None else megabytes(m.size_bytes),
            UNKNOWN if m.operators is None else str(m.operators),
            UNKNOWN if m.float_operators is None else str(m.float_operators),
            m.quantization or UNKNOWN,
            m.sha256,
        )
        for m in report.models
    ]
    return table(("Model", "File", "Size", "Operators", "In float", "Quantization", "sha256"), rows)


def _accuracy(report: Report) -> str:
    rows = [(row.name, row.metric, percent(row), counted(row.images, row.unit), row.note) for row in report.accuracy]
    return table(("Model", "Figure", "Value [95 %]", "Scored on", "Note"), rows)


def _latency(report: Report) -> str:
    rows = []
    for item in report.latencies:
        values = [milliseconds(item.percentile_ms(p)) for p in (50, 90, 99)]
        rows.append((item.name, *values, str(len(item.samples_ms)), item.detail))
    return table(("Model", "p50", "p90", "p99", "Runs", ""), rows)


def _pictures(report: Report) -> str:
    rows = []
    for picture in report.pictures:
        for side in picture.sides:
            found = ", ".join(f"{shown.label} {shown.score:.2f}" for shown in side.detections)
            rows.append((picture.path.name, side.name, found or "nothing"))
    return table(("Picture", "Model", "Found"), rows)


def _list(texts: Sequence[str]) -> str:
    return "\n".join(f"- {escape(text)}" for text in texts)
