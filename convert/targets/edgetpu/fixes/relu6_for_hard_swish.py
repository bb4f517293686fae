"""ReLU6 in the place of hard-swish: another function, for who would rather have a fast model than this one."""

from __future__ import annotations

from detlite.convert.targets.edgetpu.fix import Fix, Model, Place
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


def apply(model: Model, places: tuple[Place, ...]) -> Model:
    """Put a RELU6 in the place of each."""
    rewrite = Rewrite(model.data)
    for place in places:
        made = rewrite.operator(RELU6, list(place.inputs), list(place.outputs), version=RELU6_VERSION)
        rewrite.replace(place.operators[0], [made])
    return Model(rewrite.data(), model.contract)


PLUGIN = Fix(
    title="HARD_SWISH to RELU6",
    why="the Edge TPU has no hard-swish (MobileNetV3, MobileDet for CPUs). The model was not trained so: its outputs "
    "change, and it should be trained on, with RELU6, before it is used",
    fidelity="changed",
    find=find,
    apply=apply,
)
