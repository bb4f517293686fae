"""A CPU model and a compiled file: do they belong together?"""

from __future__ import annotations

from detlite.convert.targets.edgetpu.compiled import read_compiled, totals
from detlite.convert.targets.edgetpu.predict import predict
from detlite.convert.targets.edgetpu.twin import compare_twins
from detlite.runtime.counts import agreed, counted
from detlite.runtime.progress import Progress
from detlite.studies.compare.file_comparison import CompareOptions, Comparer, ModelComparison, Side

UNSEEN = "of the weights only the size is compared: models that differ in nothing else look alike"


def takes(a: Side, b: Side) -> bool:
    """Return whether one is compiled and the other is not."""
    return a.is_compiled is not b.is_compiled


def compare(a: Side, b: Side, options: CompareOptions, _progress: Progress) -> ModelComparison:
    """Say whether the compiled one is the other one compiled, and where its operators run."""
    cpu, made = (b, a) if a.is_compiled else (a, b)
    compiled = read_compiled(made.data, str(made.given))
    twins = compare_twins(cpu.graph, compiled)
    prediction = predict(cpu.data, str(cpu.given), multiple_subgraphs=options.multiple_subgraphs)
    operators = [
        {"index": fate.index, "name": fate.name, "mapped": real, "predicted": fate.mapped, "reason": fate.reason}
        for fate, real in zip(prediction.fates, twins.mapped, strict=True)
    ]
    others = [f"{op['index']} {op['name']}" for op in operators if op["mapped"] is not op["predicted"]]
    mapped = sum(twins.mapped)
    lines = [
        f"{mapped} of {counted(len(twins.mapped), 'operator')} {agreed(mapped, 'is', 'are')} on the Edge TPU",
        UNSEEN,
    ]
    if others:
        lines.insert(1, f"not as predicted: {', '.join(others)}")
    facts = {"cpu": str(cpu.given), "compiled": str(made.given), **totals(compiled), "operators": operators}
    found = twins.findings if twins.size_finding is None else (*twins.findings, twins.size_finding)
    return ModelComparison("a CPU model and its compiled twin", found, tuple(lines), facts)


PLUGIN = Comparer(title="whether a compiled file belongs to a CPU model", takes=takes, compare=compare)
