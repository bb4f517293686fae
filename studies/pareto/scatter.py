"""The Pareto plot as SVG: accuracy against a cost on a logarithmic axis, intervals as bars, dominated points muted."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from detlite.studies.pareto.front import Group
from detlite.studies.pareto.rows import BarredFigure, CellRow

LEFT, RIGHT, TOP, BOTTOM = 52, 18, 30, 46
LARGE, SMALL = (720, 394), (340, 264)  # (width, height)
LABEL_HEIGHT, LETTER = 15, 7.6  # of bold 12 px text
RADIUS = 6  # px of a point
FAR = 12  # px between a name and its point, from which on a line leads to it
MOST_LABELS = 12
MOST_LETTERS = 34
STEPS = (1, 2, 5)


@dataclass(frozen=True)
class AxisTick:
    """A tick: its position in the plot, and its text."""

    at: float
    text: str


@dataclass(frozen=True)
class PlotPoint:
    """One cell: its position, its bars (x1, x2, y1, y2), its class, and the text that a pointer shows."""

    x: float
    y: float
    bars: tuple[float, float, float, float]
    kind: str
    title: str


@dataclass(frozen=True)
class PointLabel:
    """A name beside a point: where its text begins or ends, and the path that leads to the point; "" beside it."""

    x: float
    y: float
    anchor: str
    text: str
    leader: str


@dataclass(frozen=True)
class Scatter:
    """The whole plot."""

    title: str
    width: int
    height: int
    left: float
    right: float
    top: float
    bottom: float
    x_name: str
    y_name: str
    x_ticks: tuple[AxisTick, ...]
    y_ticks: tuple[AxisTick, ...]
    points: tuple[PlotPoint, ...]
    labels: tuple[PointLabel, ...]
    line: str


@dataclass(frozen=True)
class Cost:
    """What a plot has on its x axis: its name with the unit, and how it is read from a row."""

    name: str
    of: Callable[[CellRow], BarredFigure | None]


def scatter(group: Group, cost: Cost, *, taken: str = "", is_small: bool = False) -> Scatter | None:
    """Return the plot of *group* over *cost*; None where fewer than two rows have it.

    Args:
        group: the cells.
        cost: the x axis.
        taken: the key of the cell that is recommended, which is marked; "" for none.
        is_small: whether it is one of several, without names.
    """
    rows = [(row, found) for row in group.rows if (found := cost.of(row)) is not None and found.value > 0]
    if len(rows) < 2:
        return None
    width, height = SMALL if is_small else LARGE
    xs = _Log([value for _row, one in rows for value in _ends(one)], LEFT, width - RIGHT)
    accuracies = [row.accuracy for row, _one in rows if row.accuracy is not None]
    ys = _Linear([value for one in accuracies for value in _ends(one)], height - BOTTOM, TOP)
    points = [_point(row, found, _kind(row, group, taken), xs, ys) for row, found in rows]
    pairs = [(row, point) for (row, _found), point in zip(rows, points, strict=True)]
    best = sorted((point for row, point in pairs if row.key in group.front), key=lambda point: point.x)
    names = _labels([(row, point) for row, point in pairs if row.key in group.front], width) if not is_small else ()
    return Scatter(
        title=cost.name,
        width=width,
        height=height,
        left=LEFT,
        right=width - RIGHT,
        top=TOP,
        bottom=height - BOTTOM,
        x_name=cost.name,
        y_name=f"{group.rows[0].metric}, %",
        x_ticks=tuple(AxisTick(xs.at(value), f"{value:g}") for value in xs.ticks()),
        y_ticks=tuple(AxisTick(ys.at(value), f"{value:g}") for value in ys.ticks()),
        points=tuple(sorted(points, key=lambda point: ("front" in point.kind, "taken" in point.kind))),
        labels=names,
        line=_stairs(best),
    )


def _ends(figure: BarredFigure) -> tuple[float, ...]:
    return tuple(value for value in (figure.value, figure.low, figure.high) if value is not None)


def _kind(row: CellRow, group: Group, taken: str) -> str:
    """Return the classes of a point."""
    kind = "front" if row.key in group.front else "muted" if row.counts else "void"
    return f"{kind} taken" if row.key == taken else kind


def _point(row: CellRow, found: BarredFigure, kind: str, xs: _Log, ys: _Linear) -> PlotPoint:
    assert row.accuracy is not None  # rows of a group have it
    low, high = found.low or found.value, found.high or found.value
    bottom = row.accuracy.value if row.accuracy.low is None else row.accuracy.low
    top = row.accuracy.value if row.accuracy.high is None else row.accuracy.high
    note = f" ({row.mark})" if row.mark else " (INVALID)" if row.reasons else ""
    return PlotPoint(
        x=xs.at(found.value),
        y=ys.at(row.accuracy.value),
        bars=(xs.at(low), xs.at(high), ys.at(bottom), ys.at(top)),
        kind=kind,
        title=f"{row.label}{note}: {row.metric} {row.accuracy.value:.1f} %, {found.value:.4g}",
    )


def _stairs(points: Sequence[PlotPoint]) -> str:
    """Return the line through the points where accuracy still rises, as steps."""
    path: list[tuple[float, float]] = []
    for point in points:
        if path and point.y >= path[-1][1]:
            continue
        if path:
            path.append((point.x, path[-1][1]))
        path.append((point.x, point.y))
    return " ".join(f"{x:g},{y:g}" for x, y in path)


def _labels(pairs: Sequence[tuple[CellRow, PlotPoint]], width: int) -> tuple[PointLabel, ...]:
    """Return names beside the points, moved up or down so that none covers another name or a point."""
    taken = [(point.x - RADIUS, point.x + RADIUS, point.y + 4) for _row, point in pairs]  # 4 px: half of a letter
    found = []
    for row, point in sorted(pairs, key=lambda pair: pair[1].y)[:MOST_LABELS]:
        text = row.label if len(row.label) <= MOST_LETTERS else f"{row.label[: MOST_LETTERS - 1]}…"
        length = LETTER * len(text)
        is_left = point.x + 10 + length > width - RIGHT
        start = point.x - 10 - length if is_left else point.x + 10
        y = _free(start, start + length, point.y - 6, taken)
        taken.append((start, start + length, y))
        x = point.x - 10 if is_left else point.x + 10
        leader = f"M{x:g} {y - 4:g}L{point.x:g} {point.y:g}" if abs(y - point.y) > FAR else ""
        found.append(PointLabel(x, y, "end" if is_left else "start", text, leader))
    return tuple(found)


def _free(start: float, end: float, y: float, taken: Sequence[tuple[float, float, float]]) -> float:
    """Return the height nearest to *y* at which nothing *taken* is between *start* and *end*."""
    for step in range(40):
        place = y + LABEL_HEIGHT * (step // 2 + step % 2) * (-1 if step % 2 else 1) * 0.5
        if place >= TOP + 8 and all(
            end < first or last < start or abs(place - other) >= LABEL_HEIGHT for first, last, other in taken
        ):
            return round(place, 1)
    return y


class _Log:
    """A logarithmic scale over *values*, from *start* to *end* in the plot."""

    def __init__(self, values: Sequence[float], start: float, end: float) -> None:
        low, high = math.log10(min(values)), math.log10(max(values))
        margin = max(0.06 * (high - low), 0.04)
        self.low, self.high, self.start, self.end = low - margin, high + margin, start, end

    def at(self, value: float) -> float:
        share = (math.log10(value) - self.low) / (self.high - self.low)
        return round(self.start + (self.end - self.start) * share, 1)

    def ticks(self) -> list[float]:
        decades = range(math.floor(self.low), math.ceil(self.high) + 1)
        steps = STEPS if self.high - self.low > 0.5 else (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 9)
        values = [step * 10.0**decade for decade in decades for step in steps]
        return [value for value in values if self.low <= math.log10(value) <= self.high]


class _Linear:
    """A linear scale over *values*, from *start* to *end* in the plot."""

    def __init__(self, values: Sequence[float], start: float, end: float) -> None:
        low, high = min(values), max(values)
        margin = max(0.06 * (high - low), 0.5)
        self.low, self.high, self.start, self.end = low - margin, high + margin, start, end

    def at(self, value: float) -> float:
        return round(self.start + (self.end - self.start) * (value - self.low) / (self.high - self.low), 1)

    def ticks(self) -> list[float]:
        rough = 10.0 ** math.floor(math.log10((self.high - self.low) / 4))
        step = next(rough * factor for factor in (1, 2, 5, 10) if (self.high - self.low) / (rough * factor) <= 7)
        first = math.ceil(self.low / step)
        return [round(index * step, 6) for index in range(first, math.floor(self.high / step) + 1)]
