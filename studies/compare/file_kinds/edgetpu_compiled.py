"""Two compiled files: what the compiler made of one and of the other."""

from __future__ import annotations

from typing import Any

from detlite.convert.targets.edgetpu.compiled import read_compiled, totals
from detlite.convert.targets.edgetpu.validity import findings
from detlite.runtime.progress import Progress
from detlite.studies.compare.file_comparison import CompareOptions, Comparer, ModelComparison, Side


def takes(a: Side, b: Side) -> bool:
    """Return whether both are compiled."""
    return a.is_compiled and b.is_compiled


def compare(a: Side, b: Side, _options: CompareOptions, _progress: Progress) -> ModelComparison:
    """Say what each holds: equal files agree; others are told apart by their figures and edges."""
    compiled = [read_compiled(side.data, str(side.given)) for side in (a, b)]
    sums = [totals(item) for item in compiled]
    wrong = [f"{side.given}: {text}" for side, item in zip((a, b), compiled, strict=True) for text in findings(item)]
    other = [
        f"{key}: {_short(sums[0][key])} and {_short(sums[1][key])}" for key in sums[0] if sums[0][key] != sums[1][key]
    ]
    edges = [[(t.name, t.shape, t.dtype, t.scales) for t in (*i.graph.inputs, *i.graph.outputs)] for i in compiled]
    if edges[0] != edges[1]:
        other.append("inputs or outputs have other names, shapes, dtypes or scales")
    if not other and a.data != b.data:
        other.append("the files differ, in nothing that the schema names")
    facts = {"old": sums[0], "new": sums[1]}
    return ModelComparison("two compiled files", tuple(wrong + other), (), facts)


def _short(value: Any) -> str:
    if not isinstance(value, list):
        return str(value)
    return f"{len(value)} ({', '.join(sorted(set(value)))})" if value else "none"


PLUGIN = Comparer(title="what the compiler made of two models", takes=takes, compare=compare)
