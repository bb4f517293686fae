"""ReLU6 instead of hard-swish: a different function, if speed matters more than these weights."""

from __future__ import annotations

from detlite.convert.targets.edgetpu.fix import Fix, FixInput, Place
from detlite.convert.targets.edgetpu.graph import EIGHT_BIT, Graph
from detlite.convert.targets.edgetpu.rewrite import Rewrite

RELU6, RELU6_VERSION = 21, 2


def find(graph: Graph) -> tuple[Place, ...]:
    """Return each quantized HARD_SWISH."""
    return tuple(
        Place((op.index,), (op.inputs[0].index,), (op.outputs[0].index,))
        for op in graph.operators
        if op.name == "HARD_SWISH" and op.inputs[0] is not None and op.inputs[0].dtype in EIGHT_BIT
    )


def apply(model: FixInput, places: tuple[Place, ...]) -> FixInput:
    """Replace each by a RELU6."""
    rewrite = Rewrite(model.data)
    for place in places:
        made = rewrite.operator(RELU6, list(place.inputs), list(place.outputs), version=RELU6_VERSION)
        rewrite.replace(place.operators[0], [made])
    return FixInput(rewrite.data(), model.contract)


PLUGIN = Fix(
    title="HARD_SWISH to RELU6",
    why="the Edge TPU has no hard-swish (MobileNetV3, MobileDet for CPUs). The model was not trained with RELU6: its "
    "outputs change, and it should be trained further before it is used",
    fidelity="changed",
    find=find,
    apply=apply,
)
