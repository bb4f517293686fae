"""Removal of the post-processing op: the host gets raw heads."""

from __future__ import annotations

from detlite.convert.targets.edgetpu.fix import Fix, FixInput, Place
from detlite.convert.targets.edgetpu.graph import Graph
from detlite.convert.tflite.postprocess import strip
from detlite.convert.tflite.tensors import POSTPROCESS
from detlite.runtime.errors import InputError


def find(graph: Graph) -> tuple[Place, ...]:
    """Return the op, if there is one."""
    return tuple(
        Place(
            (op.index,),
            tuple(t.index for t in op.inputs if t is not None and not t.is_constant),
            tuple(t.index for t in op.outputs),
        )
        for op in graph.operators
        if op.name == POSTPROCESS
    )


def apply(model: FixInput, _places: tuple[Place, ...]) -> FixInput:
    """Remove the op, and describe the raw heads in the contract."""
    if model.contract is None:
        raise InputError(
            "--fix strip_postprocess: the model's op cannot be read, so its raw heads would have no contract"
        )
    return FixInput(*strip(model.data, model.contract))


PLUGIN = Fix(
    title="TFLite_Detection_PostProcess removed: raw heads, which the host decodes and suppresses",
    why="the op runs on the CPU: 1.5 ms on a desktop, up to 23 ms on a Coral Dev Board with 100 detections. Everything "
    "else maps; detlite's runtime does the same in numpy",
    fidelity="changed",
    find=find,
    apply=apply,
)
