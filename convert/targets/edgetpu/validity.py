"""Whether a compiled file is a valid package, as far as its schema can tell."""

from __future__ import annotations

import math
from collections.abc import Iterator

from detlite.convert.targets.edgetpu.compiled import CACHING, Compiled
from detlite.convert.targets.edgetpu.executable import DTYPES, Executable, Layer
from detlite.convert.targets.edgetpu.graph import GraphOperator, GraphTensor
from detlite.convert.targets.edgetpu.package import PAGE_BYTES, CompiledSubgraph
from detlite.convert.tflite.tensors import ITEM_BYTES

CHIP = "beagle"
RUNTIMES = range(10, 15)  # of libedgetpu to date
INSTRUCTION_STEP = 16
COMBINATIONS = (["STAND_ALONE"], ["EXECUTION_ONLY", "PARAMETER_CACHING"])
SCALE_TOLERANCE = 1e-6  # relative
UINT8_SHIFT = 128  # the chip computes in uint8, and layers state its zero points: int8 ones are shifted


def findings(compiled: Compiled) -> tuple[str, ...]:
    """Return what is wrong with *compiled*, one sentence each; empty if it is valid.

    A changed byte inside the parameters or instructions cannot be seen: they have no checksum.
    """
    found: list[str] = []
    for place, package in zip(compiled.places, compiled.packages, strict=True):
        where = f"subgraph at operator {place}"
        found += [f"{where}: {text}" for text in _of_package(package)]
        found += [f"{where}: {text}" for text in _of_layers(package, compiled.graph.operators[place])]
    return tuple(found)


def _of_package(package: CompiledSubgraph) -> Iterator[str]:
    if package.format_version != 0:
        yield f"format version {package.format_version}; expected 0"
    if package.package_bytes % PAGE_BYTES:
        yield f"a package of {package.package_bytes} bytes; expected a multiple of {PAGE_BYTES}"
    if package.min_runtime_version not in RUNTIMES:
        yield f"it requires runtime {package.min_runtime_version}; existing ones are {RUNTIMES[0]} to {RUNTIMES[-1]}"
    types = sorted(item.type for item in package.executables)
    if types not in COMBINATIONS:
        yield f"Invalid combination of executables in the package: {', '.join(types)}"
    if len({item.parameter_caching_token for item in package.executables}) != 1:
        yield "the executables have different parameter caching tokens"
    for item in package.executables:
        yield from _of_executable(item)


def _of_executable(item: Executable) -> Iterator[str]:
    if item.chip != CHIP:
        yield f"compiled for the chip {item.chip!r}; the Edge TPU is {CHIP!r}"
    if item.batch_size != 1:
        yield f"Executable has invalid batch size: {item.batch_size}"
    if not sum(item.instruction_bytes):
        yield f"the {item.type} executable has no instructions: it is a placeholder"
    if any(size % INSTRUCTION_STEP for size in item.instruction_bytes):
        yield f"instructions of {item.instruction_bytes} bytes; expected multiples of {INSTRUCTION_STEP}: truncated"
    if item.type == CACHING and not item.parameter_bytes:
        yield "the executable that caches the weights has none"
    if min(item.scratch_size_bytes, item.narrow_memory_bytes_per_tile, item.estimated_cycles) < 0:
        yield "a negative size or number of cycles"


def _of_layers(package: CompiledSubgraph, operator: GraphOperator) -> Iterator[str]:
    run = next((item for item in package.executables if item.type != CACHING), None)
    if run is None:
        return
    if operator.version != 1:
        yield f"the operator has version {operator.version}; expected 1"
    sides = (("input", run.input_layers, operator.inputs), ("output", run.output_layers, operator.outputs))
    for kind, layers, tensors in sides:
        named = {tensor.name: tensor for tensor in tensors if tensor is not None and not tensor.is_variable}
        for layer in layers:
            tensor = named.pop(layer.name, None)
            if tensor is not None:
                yield from _of_layer(layer, tensor, kind)
            elif layer.kind != kind:
                yield f"layer {layer.name!r:.80} is an {kind} of kind {layer.kind}"
        missing = [name for name in named if not any(layer.name == name for layer in layers)]
        if missing and len(layers) <= len(tensors):
            yield f"no {kind} layer is called {missing[0]!r:.80}, like the operator's tensor"


def _of_layer(layer: Layer, tensor: GraphTensor, kind: str) -> Iterator[str]:
    said = f"{kind} layer {layer.name!r:.80}"
    if layer.kind != kind:
        yield f"{said} is of kind {layer.kind}"
    want = math.prod(tensor.shape) * ITEM_BYTES.get(tensor.dtype, 1)
    if math.prod(layer.yxz) <= 0 or layer.size_bytes < want:
        yield f"{said} has {layer.size_bytes} bytes, but its tensor {want}"
    if DTYPES.get(layer.data_type) not in (tensor.dtype, "float16"):
        yield f"{said} is {layer.data_type}, but its tensor {tensor.dtype}"
    scale, zero = (tensor.scales or (layer.scale,))[0], (tensor.zero_points or (0,))[0]
    shifted = zero + UINT8_SHIFT if tensor.dtype == "int8" else zero
    if not math.isclose(layer.scale, scale, rel_tol=SCALE_TOLERANCE) or layer.zero_point != shifted:
        yield (
            f"{said} has scale {layer.scale:g} and zero point {layer.zero_point}, but its tensor gives {scale:g} "
            f"and {shifted}"
        )
