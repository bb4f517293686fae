"""Additions of two tensors converted as ADD_N, which has no int8 kernel: floating-point islands."""

from __future__ import annotations

from detlite.convert.targets.edgetpu.fix import Fix, FixInput, Place
from detlite.convert.targets.edgetpu.graph import EIGHT_BIT, Graph, GraphOperator
from detlite.convert.targets.edgetpu.rewrite import Rewrite
from detlite.convert.targets.edgetpu.trace import Trace

ADD, ADD_VERSION = 0, 2  # of the builtin, and the first version that takes int8


def find(graph: Graph) -> tuple[Place, ...]:
    """Return each DEQUANTIZE, DEQUANTIZE, ADD_N, QUANTIZE; other readers of the dequantized tensors keep them."""
    trace = Trace(graph)
    places = (_place(trace, op) for op in graph.operators if op.name == "ADD_N")
    return tuple(place for place in places if place is not None)


def _place(trace: Trace, total: GraphOperator) -> Place | None:
    sources = [trace.maker(tensor, "DEQUANTIZE") for tensor in total.inputs]
    readers = trace.readers(total.outputs[0])
    if len(total.inputs) != 2 or None in sources or len(readers) != 1 or readers[0].name != "QUANTIZE":
        return None
    inner = [op.inputs[0] for op in sources if op is not None]
    outer = readers[0].outputs[0]
    if any(tensor is None or tensor.dtype != outer.dtype for tensor in inner) or outer.dtype not in EIGHT_BIT:
        return None
    operators = {op.index for op in sources if op is not None} | {total.index, readers[0].index}
    inputs = tuple(dict.fromkeys(tensor.index for tensor in inner if tensor is not None))
    return Place(tuple(sorted(operators)), inputs, (outer.index,))


def apply(model: FixInput, places: tuple[Place, ...]) -> FixInput:
    """Replace each island by one quantized ADD."""
    from ai_edge_litert import schema_py_generated as schema

    rewrite = Rewrite(model.data)
    for place in places:
        inputs = [place.inputs[0], place.inputs[-1]]
        made = rewrite.operator(ADD, inputs, list(place.outputs), version=ADD_VERSION)
        made.builtinOptionsType, made.builtinOptions = schema.BuiltinOptions.AddOptions, schema.AddOptionsT()
        rewrite.replace(place.operators[-1], [made])
    return FixInput(rewrite.data(), model.contract)


PLUGIN = Fix(
    title="two-input ADD_N between conversions to a quantized ADD",
    why="TFLite has no int8 ADD_N: each is a float island that ends the mapping (SSDLite MobileNet V2 of the TF1 zoo: "
    "10 of 158 operators map with them)",
    fidelity="rounding",
    find=find,
    apply=apply,
)
