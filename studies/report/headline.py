"""The key figures at the top of a report, and the formatting of figures throughout it."""

from __future__ import annotations

from dataclasses import dataclass

from detlite.runtime.counts import counted
from detlite.studies.report.report import AccuracyRow, Latencies, Report

WORDS = {"pass": "Passed.", "caution": "Passed, with cautions.", "fail": "Failed.", "info": "Result."}
"""What a report's status is called."""


@dataclass(frozen=True)
class HeadlineFigure:
    """A key figure: *value* in large type, *label* above it, *detail* below it."""

    label: str
    value: str
    detail: str


def headline(report: Report) -> tuple[HeadlineFigure, ...]:
    """Return size, speed and accuracy of the last model against the first, as far as known."""
    figures = [_size(report), _speed(report), *map(_accuracy, _last_rows(report))]
    return tuple(figure for figure in figures if figure is not None)


def megabytes(size_bytes: int) -> str:
    """Return a size in MB (10^6 bytes), or in kB if it is small."""
    return f"{size_bytes / 1e6:.2f} MB" if size_bytes >= 100_000 else f"{size_bytes / 1e3:.1f} kB"


def milliseconds(value_ms: float) -> str:
    """Return a latency with three significant digits."""
    decimals = 3 if value_ms < 1 else 2 if value_ms < 10 else 1 if value_ms < 1000 else 0
    return f"{value_ms:.{decimals}f} ms"


def percent(row: AccuracyRow) -> str:
    """Return the value of *row*, with its interval if it has one."""
    return number_text(row.value, row.low, row.high, unit=" %")


def number_text(value: float, low: float | None, high: float | None, *, unit: str = "") -> str:
    """Return *value* with its *unit*, and the ends of its interval if it has one."""
    interval = "" if low is None or high is None else f" [{number(low)}, {number(high)}]"
    return f"{number(value)}{unit}{interval}"


def number(value: float) -> str:
    """Return *value* with two decimals and a typographic minus sign."""
    return f"{value:.2f}".replace("-", "−")


def _size(report: Report) -> HeadlineFigure | None:
    first, last = report.models[0], report.models[-1]
    if first.size_bytes is None or last.size_bytes is None:
        return None
    if first is last:
        return HeadlineFigure("Size", megabytes(first.size_bytes), first.name)
    detail = f"{megabytes(first.size_bytes)} → {megabytes(last.size_bytes)}"
    if last.size_bytes <= first.size_bytes:
        return HeadlineFigure("Smaller", f"{first.size_bytes / last.size_bytes:.2f}×", detail)
    return HeadlineFigure("Larger", f"{last.size_bytes / first.size_bytes:.2f}×", detail)


def _speed(report: Report) -> HeadlineFigure | None:
    if not report.latencies:
        return None
    medians = {item.name: item.percentile_ms(50) for item in report.latencies}
    first, last = _ends(report.latencies)
    if first is last:
        return HeadlineFigure("Median latency", milliseconds(medians[last.name]), last.detail or last.name)
    detail = f"median {milliseconds(medians[first.name])} → {milliseconds(medians[last.name])}"
    speed = report.speed
    if speed is None:
        return HeadlineFigure("Speed", "not judged", detail)
    if speed.high < 1:
        return HeadlineFigure("Faster", f"{1 / speed.ratio:.2f}×", _ends_text(1 / speed.high, 1 / speed.low, detail))
    label, value = ("Slower", f"{speed.ratio:.2f}×") if speed.low > 1 else ("Speed", "no difference")
    return HeadlineFigure(label, value, _ends_text(speed.low, speed.high, detail))


def _ends_text(low: float, high: float, detail: str) -> str:
    return f"95 %: {low:.2f} to {high:.2f}, {detail}"


def _ends(latencies: tuple[Latencies, ...]) -> tuple[Latencies, Latencies]:
    return latencies[0], latencies[-1]


def _last_rows(report: Report) -> list[AccuracyRow]:
    """Return the last model's figures, one per metric, at most two."""
    return [row for row in report.accuracy if row.name == report.models[-1].name][:2]


def _accuracy(row: AccuracyRow) -> HeadlineFigure:
    interval = "" if row.low is None or row.high is None else f"95 %: {number(row.low)} to {number(row.high)}, "
    return HeadlineFigure(row.metric, f"{number(row.value)} %", f"{interval}{counted(row.images, row.unit)}")
