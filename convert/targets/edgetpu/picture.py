"""A picture of a graph, coloured by where each operator will run: one SVG in one HTML file."""

from __future__ import annotations

from html import escape

from detlite.convert.targets.edgetpu.predict import Fate, Prediction

BOX_WIDTH, BOX_HEIGHT, GAP_X, GAP_Y, MARGIN = 190, 26, 18, 22, 20
AROUND = BOX_WIDTH * 3 // 4  # a Bezier curve reaches three quarters of the way to its control points
MOST_SHOWN = 24  # characters of an operator's name
COLOURS = ("#2a9d5c", "#2a7f9d", "#6a5acd", "#9d7b2a")  # of subgraphs, in turn; the legend names them
CPU = "#c8502d"

PAGE = """<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<title>{title}</title>
<style>
body {{ font: 14px sans-serif; margin: 1.5em; background: #fff; color: #222 }}
svg text {{ font: 11px monospace; fill: #fff }}
.key {{ display: inline-block; padding: 2px 8px; margin-right: 8px; color: #fff }}
</style>
<h1>{title}</h1>
<p>{verdict}</p>
<p>{legend}</p>
{svg}
</html>
"""

Place = tuple[int, int]


def picture(prediction: Prediction, title: str, verdict: str) -> str:
    """Return an HTML page with the graph of *prediction*; hovering over an operator shows why it runs where it does."""
    places = _places(prediction)
    width = max((x for x, _y in places), default=0) + BOX_WIDTH + MARGIN
    height = max((y for _x, y in places), default=0) + BOX_HEIGHT + MARGIN
    boxes = [_box(fate, place) for fate, place in zip(prediction.fates, places, strict=True)]
    svg = "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}">',
            *_lines(prediction, places),
            *boxes,
            "</svg>",
        ]
    )
    return PAGE.format(title=escape(title), verdict=escape(verdict), legend=_legend(prediction), svg=svg)


def _colour(subgraph: int | None) -> str:
    return CPU if subgraph is None else COLOURS[subgraph % len(COLOURS)]


def _legend(prediction: Prediction) -> str:
    keys = [(f"Edge TPU, subgraph {number}", number) for number in range(prediction.subgraphs)]
    return "".join(f'<span class="key" style="background: {_colour(n)}">{t}</span>' for t, n in [*keys, ("CPU", None)])


def _places(prediction: Prediction) -> list[Place]:
    """Return the position of each operator: in the row after the last one that it depends on."""
    row_of: dict[int, int] = {}
    filled: dict[int, int] = {}
    places = []
    for op in prediction.graph.operators:
        row = max((row_of[t.index] + 1 for t in op.inputs if t is not None and t.index in row_of), default=0)
        column = filled.get(row, 0)
        filled[row] = column + 1
        row_of |= {tensor.index: row for tensor in op.outputs}
        places.append((MARGIN + column * (BOX_WIDTH + GAP_X), MARGIN + row * (BOX_HEIGHT + GAP_Y)))
    return places


def _lines(prediction: Prediction, places: list[Place]) -> list[str]:
    maker = {tensor.index: op.index for op in prediction.graph.operators for tensor in op.outputs}
    lines = []
    for op in prediction.graph.operators:
        for tensor in op.inputs:
            if tensor is None or tensor.index not in maker:
                continue
            lines.append(_line(places[maker[tensor.index]], places[op.index]))
    return lines


def _line(begin: Place, end: Place) -> str:
    """Return a line from box to box; one that passes other boxes goes around their right side."""
    (x, y), (to_x, to_y) = begin, end
    far = to_y - y > BOX_HEIGHT + GAP_Y
    x, to_x, y = x + BOX_WIDTH // 2, to_x + BOX_WIDTH // 2, y + BOX_HEIGHT
    aside = AROUND if far else 0
    return f'<path d="M{x} {y} C{x + aside} {y} {to_x + aside} {to_y} {to_x} {to_y}" stroke="#999" fill="none"/>'


def _box(fate: Fate, place: Place) -> str:
    x, y = place
    why = escape(f"{fate.index} {fate.name}: {fate.reason}" + (f" ({fate.rule})" if fate.rule else ""))
    name = escape(f"{fate.index} {fate.name}"[:MOST_SHOWN])
    return (
        f'<g><title>{why}</title><rect x="{x}" y="{y}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="4" '
        f'fill="{_colour(fate.subgraph)}"/><text x="{x + 6}" y="{y + 17}">{name}</text></g>'
    )
