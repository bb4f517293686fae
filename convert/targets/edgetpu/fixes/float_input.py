"""A float input that the model quantizes on the CPU at every inference."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from detlite.convert.targets.edgetpu.fix import Fix, FixInput, Place
from detlite.convert.targets.edgetpu.graph import EIGHT_BIT, FLOATS, Graph
from detlite.convert.targets.edgetpu.rewrite import Rewrite
from detlite.convert.targets.edgetpu.trace import Trace
from detlite.convert.tflite.boundary import UINT8_SHIFT
from detlite.convert.tflite.edit import QUANTIZE, TYPES
from detlite.convert.tflite.tensors import dtype_name
from detlite.runtime.contract import Contract
from detlite.runtime.tensors import Quantization


def find(graph: Graph) -> tuple[Place, ...]:
    """Return each QUANTIZE that is the only reader of a float input of the model."""
    trace = Trace(graph)
    places = []
    for tensor in graph.inputs:
        readers = trace.readers(tensor)
        if tensor.dtype not in FLOATS or len(readers) != 1 or readers[0].name != "QUANTIZE":
            continue
        inner = readers[0].outputs[0]
        if inner.dtype in EIGHT_BIT and len(inner.scales) == len(inner.zero_points) == 1:
            places.append(Place((readers[0].index,), (tensor.index,), (inner.index,)))
    return tuple(places)


def apply(model: FixInput, places: tuple[Place, ...]) -> FixInput:
    """Make each input uint8, with the values that the model quantized it to."""
    from ai_edge_litert.schema_py_generated import QuantizationParametersT

    rewrite = Rewrite(model.data)
    contract = model.contract
    for place in places:
        outer, inner = (rewrite.subgraph.tensors[i] for i in (place.inputs[0], place.outputs[0]))
        shift = UINT8_SHIFT if dtype_name(inner) == "int8" else 0
        scale, zero = float(inner.quantization.scale[0]), int(inner.quantization.zeroPoint[0]) + shift
        outer.type, outer.quantization = TYPES["uint8"], QuantizationParametersT()
        outer.quantization.scale = np.array([scale], np.float32)
        outer.quantization.zeroPoint = np.array([zero], np.int64)
        made = rewrite.operator(QUANTIZE, list(place.inputs), list(place.outputs), version=2)
        rewrite.replace(place.operators[0], [made])
        contract = _fed(contract, Quantization(scale, zero))
    return FixInput(rewrite.data(), contract)


def _fed(contract: Contract | None, quantization: Quantization) -> Contract | None:
    if contract is None:
        return None
    return contract.with_image(replace(contract.image, dtype="uint8", quantization=quantization))


PLUGIN = Fix(
    title="a float input to uint8",
    why="the Edge TPU does not take floats: its QUANTIZE stays on the CPU, and copies four times the bytes",
    fidelity="exact",
    find=find,
    apply=apply,
)
