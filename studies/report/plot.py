"""The latency plot: each model's cumulative distribution of run times, as SVG lines."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from detlite.studies.report.headline import milliseconds
from detlite.studies.report.report import Latencies

WIDTH, HEIGHT = 720, 300
LEFT, RIGHT, TOP, BOTTOM = 62, 16, 14, 44
MOST_POINTS = 400  # per line: more are invisible and cost bytes
MARKS = (50, 90)


@dataclass(frozen=True)
class Tick:
    """A tick: its position on its axis, in the units of the plot, and its text."""

    at: float
    text: str


@dataclass(frozen=True)
class Mark:
    """A percentile on a line: its position and its text."""

    x: float
    y: float
    text: str


@dataclass(frozen=True)
class Line:
    """One model's line: *points* in SVG's format."""

    name: str
    points: str
    marks: tuple[Mark, ...]
    beyond: int


@dataclass(frozen=True)
class LatencyPlot:
    """The whole plot; x is ms from 0, y the share of runs."""

    width: int
    height: int
    left: int
    right: int
    top: int
    bottom: int
    lines: tuple[Line, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]


def latency_plot(latencies: tuple[Latencies, ...]) -> LatencyPlot:
    """Return the plot of *latencies*; the axis covers nearly all runs, and the rest are counted."""
    limit_ms = 1.12 * max(item.percentile_ms(99) for item in latencies)
    step_ms = _step(limit_ms)
    limit_ms = step_ms * math.ceil(limit_ms / step_ms)
    count = round(limit_ms / step_ms)
    return LatencyPlot(
        width=WIDTH,
        height=HEIGHT,
        left=LEFT,
        right=WIDTH - RIGHT,
        top=TOP,
        bottom=HEIGHT - BOTTOM,
        lines=tuple(_line(item, limit_ms) for item in latencies),
        x_ticks=tuple(Tick(_x(i * step_ms, limit_ms), f"{i * step_ms:g}") for i in range(count + 1)),
        y_ticks=tuple(Tick(_y(share), f"{share} %") for share in (0, 25, 50, 75, 100)),
    )


def _step(limit: float) -> float:
    """Return a round step with five to ten ticks up to *limit*."""
    rough: float = 10.0 ** math.floor(math.log10(limit / 5))
    return next(rough * factor for factor in (1, 2, 5, 10) if limit / (rough * factor) <= 10)


def _x(value_ms: float, limit_ms: float) -> float:
    return round(LEFT + (WIDTH - LEFT - RIGHT) * min(value_ms, limit_ms) / limit_ms, 1)


def _y(share_percent: float) -> float:
    return round(TOP + (HEIGHT - TOP - BOTTOM) * (1 - share_percent / 100), 1)


def _line(item: Latencies, limit_ms: float) -> Line:
    samples = np.sort(np.asarray(item.samples_ms))
    shares = 100.0 * np.arange(1, len(samples) + 1) / len(samples)
    keep = np.unique(np.linspace(0, len(samples) - 1, min(len(samples), MOST_POINTS)).astype(int))
    points, last = [(_x(float(samples[0]), limit_ms), _y(0))], 0.0
    for index in keep:
        x = _x(float(samples[index]), limit_ms)
        points += [(x, _y(last)), (x, _y(float(shares[index])))]
        last = float(shares[index])
    marks = tuple(
        Mark(_x(value, limit_ms), _y(mark), f"p{mark} {milliseconds(value)}")
        for mark, value in ((mark, item.percentile_ms(mark)) for mark in MARKS)
    )
    text = " ".join(f"{x:g},{y:g}" for x, y in points)
    return Line(item.name, text, marks, int((samples > limit_ms).sum()))
