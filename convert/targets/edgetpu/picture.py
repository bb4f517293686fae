"""A picture of a graph, coloured by where each operator will run: one SVG in one HTML file."""

from __future__ import annotations

from html import escape

from detlite.convert.targets.edgetpu.predict import Fate, Prediction

BOX_WIDTH, BOX_HEIGHT, GAP_X, GAP_Y, MARGIN = 190, 26, 18, 22, 20
AROUND = BOX_WIDTH * 3 // 4  # a Bezier curve reaches three quarters of the way to its control points
MOST_SHOWN = 24  # characters of an operator's name
COLOURS = ("#2a9d5c", "#2a7f9d", "#6a5acd", "#9d7b2a")  # of subgraphs, in turn; the legend names them
CPU = "#c8502d"

# the colours and sizes of studies/report/template.html.j2
PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>
:root {{ --paper: #ffffff; --ink: #15191e; --soft: #5b6672; --rule: #dde2e8; --info: #1f5fbf; --info-wash: #e9f1fd; }}
@media (prefers-color-scheme: dark) {{
  :root {{ --paper: #14181d; --ink: #e9edf1; --soft: #9aa6b2; --rule: #303841; --info: #8ab8ff; --info-wash: #14273f; }}
}}
body {{ margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", "DejaVu Sans",
    sans-serif; }}
main {{ max-width: 1080px; margin: 0 auto; padding: 2.75rem 1.5rem 4rem; }}
.mark {{ color: var(--soft); font-size: .8125rem; letter-spacing: .04em; margin: 0 0 .5rem; }}
h1 {{ font-size: clamp(1.55rem, 1.1rem + 2vw, 2.25rem); line-height: 1.2; letter-spacing: -.015em; margin: 0 0 1.25rem;
  overflow-wrap: anywhere; }}
.verdict {{ padding: 1.05rem 1.2rem; border-radius: 10px; font-size: 1.0625rem; background: var(--info-wash);
  border: 1px solid color-mix(in srgb, var(--info) 35%, transparent); }}
.legend {{ display: flex; flex-wrap: wrap; gap: .5rem; margin: 1.25rem 0; font-size: .875rem; }}
.key {{ padding: .15rem .6rem; border-radius: 4px; color: #fff; }}
.scroll {{ overflow-x: auto; border-top: 1px solid var(--rule); }}
svg text {{ font: 11px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: #fff; }}
</style>
</head>
<body>
<main>
<p class="mark">detlite prediction</p>
<h1>{title}</h1>
<p class="verdict">{verdict}</p>
<p class="legend">{legend}</p>
<div class="scroll">
{svg}
</div>
</main>
</body>
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
