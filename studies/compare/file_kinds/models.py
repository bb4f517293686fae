"""Two models that the CPU runs: do they agree, in contract and in numbers, and which operators moved?"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any

from detlite.accuracy.outputs import (
    REAL_TOLERANCE,
    SYNTHETIC,
    are_comparable,
    contract_findings,
    default_tolerance,
    head_differences,
    heads_of,
    nms_difference,
)
from detlite.convert.targets.edgetpu.moved import Moved, moved
from detlite.convert.targets.edgetpu.predict import predict_graph
from detlite.convert.targets.edgetpu.sample import SAMPLES, random_inputs, run_models, steps_apart
from detlite.runtime.artifact import Artifact
from detlite.runtime.counts import counted
from detlite.runtime.progress import Progress
from detlite.runtime.tasks.detection import has_raw_heads
from detlite.studies.compare.file_comparison import CompareOptions, Comparer, ModelComparison, Side

MOST_NAMED = 8


@dataclass(frozen=True)
class Told:
    """What a part of the comparison found, in the terms of `ModelComparison`."""

    findings: tuple[str, ...]
    lines: tuple[str, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)


def takes(a: Side, b: Side) -> bool:
    """Return whether both are finished models, and neither is compiled."""
    return not (a.is_compiled or b.is_compiled or a.exported or b.exported)


def compare(a: Side, b: Side, options: CompareOptions, progress: Progress) -> ModelComparison:
    """Compare contracts, outputs by role, and what an Edge TPU would run of each."""
    if a.artifact is not None and b.artifact is not None:
        told = _agreement(a.artifact, b.artifact, options, progress)
    else:
        told = Told(tuple(_edges(a, b)))
        if not told.findings:
            told = _outputs(a, b, options, progress)
    changes = _moved(a, b, options)
    facts = {"old": str(a.given), "new": str(b.given), **told.facts}
    if changes is None:
        return ModelComparison("two models", told.findings, told.lines, facts)
    lines = (*told.lines, *_moved_lines(changes))
    return ModelComparison("two models", told.findings, lines, {**facts, "moved": dataclasses.asdict(changes)})


def _agreement(a: Artifact, b: Artifact, options: CompareOptions, progress: Progress) -> Told:
    findings = list(contract_findings(a.contract, b.contract))
    note = nms_difference(a.contract, b.contract)
    lines = [] if note is None else [note]
    if has_raw_heads(a.contract) is not has_raw_heads(b.contract):
        findings.append(
            "one has raw heads and the other its post-processing op: `detlite postprocess` makes them alike"
        )
        return Told(tuple(findings), tuple(lines))
    if not are_comparable(findings):
        return Told(tuple(findings), tuple(lines))
    first, second = heads_of((a, b), options.images, progress=progress)
    differences = head_differences(first, second)
    images = len(options.images) or SYNTHETIC
    seen = counted(images, "image") if options.images else counted(images, "seeded image")
    tolerances = {role: options.tolerance for role in first if options.tolerance is not None}
    for role in first:
        tolerance = tolerances.setdefault(role, default_tolerance(a.contract, b.contract, role))
        if role not in differences:
            findings.append(f"{role}: shapes {first[role].shape} and {second[role].shape}")
        elif not differences[role] <= tolerance:
            findings.append(f"{role}: up to {differences[role]:.3g} apart on {seen}, over {tolerance:.3g}")
        else:
            lines.append(f"{role}: at most {differences[role]:.3g} apart on {seen}, within {tolerance:.3g}")
    facts = {"tolerances": tolerances, "images": images, "max_differences": differences}
    return Told(tuple(findings), tuple(lines), facts)


def _edges(a: Side, b: Side) -> list[str]:
    """Return how inputs and outputs of models without contracts differ."""
    found = []
    for kind in ("inputs", "outputs"):
        left, right = ([(t.shape, t.dtype) for t in getattr(side.graph, kind)] for side in (a, b))
        if left != right:
            found.append(f"{kind}: {left} and {right}")
    return found


def _outputs(a: Side, b: Side, options: CompareOptions, progress: Progress) -> Told:
    """Run both on the same random numbers; the outputs have no roles, and are compared in their order."""
    fed = random_inputs(a.graph.inputs)
    first, second = run_models([(a.data, fed), (b.data, fed)], progress=progress)
    findings: list[str] = []
    lines: list[str] = []
    differences: dict[str, float] = {}
    for tensor, left, right in zip(a.graph.outputs, first, second, strict=True):
        scale = tensor.scales[0] if tensor.scales else 1.0
        far = differences[tensor.name] = steps_apart([left], [right]) * scale
        tolerance = options.tolerance
        if tolerance is None:
            tolerance = 2 * scale if tensor.scales else REAL_TOLERANCE
        said = f"output {tensor.name}: {far:.3g} apart on {SAMPLES} random inputs"
        (lines if far <= tolerance else findings).append(
            f"{said}, {'within' if far <= tolerance else 'over'} {tolerance:.3g}"
        )
    return Told(tuple(findings), tuple(lines), {"max_differences": differences})


def _moved(a: Side, b: Side, options: CompareOptions) -> Moved | None:
    """Return the operators that moved, as predicted; None unless one of the models is for the Edge TPU."""
    if a.operators is None or b.operators is None:
        return None
    both = [predict_graph(side.graph, multiple_subgraphs=options.multiple_subgraphs) for side in (a, b)]
    return moved(*both) if any(prediction.mapped for prediction in both) else None


def _moved_lines(changes: Moved) -> list[str]:
    if changes.is_empty:
        return ["Edge TPU: every operator is predicted where it was"]
    titles = {
        "to_chip": "to the Edge TPU (predicted)",
        "to_cpu": "to the CPU (predicted)",
        "gone": "gone",
        "come": "new",
    }
    return [
        f"{title}: {', '.join(items[:MOST_NAMED])}"
        + (f" and {len(items) - MOST_NAMED} more" * (len(items) > MOST_NAMED))
        for name, title in titles.items()
        if (items := getattr(changes, name))
    ]


PLUGIN = Comparer(title="whether two models agree, and which operators moved", takes=takes, compare=compare)
