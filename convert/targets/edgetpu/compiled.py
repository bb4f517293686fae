"""A file written by the Edge TPU compiler: its packages, and what they mean for a user."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from detlite.convert.targets.edgetpu.graph import Graph, graph_of
from detlite.convert.targets.edgetpu.latency import CYCLES_A_MS
from detlite.convert.targets.edgetpu.package import CompiledSubgraph, read_package
from detlite.convert.targets.edgetpu.placeholder import refuse_placeholder
from detlite.convert.tflite.flatbuffer import load
from detlite.convert.tflite.tensors import EDGETPU, main_subgraph, operator_name
from detlite.runtime.errors import InputError

CACHING = "PARAMETER_CACHING"


@dataclass(frozen=True, eq=False)
class Compiled:
    """A compiled file.

    Attributes:
        graph: its operators, `edgetpu-custom-op` among them.
        packages: those of the custom operators, in file order.
        places: the custom operators' indices in `graph.operators`.
        size_bytes: the file's size.
    """

    graph: Graph
    packages: tuple[CompiledSubgraph, ...]
    places: tuple[int, ...]
    size_bytes: int


def read_compiled(data: bytes, name: str) -> Compiled:
    """Return the content of the compiled file *data*; errors call it *name*.

    Raises:
        InputError: it is damaged, a placeholder, or not a compiled file.
    """
    refuse_placeholder(data, name)
    model = load(data, name)
    operators = main_subgraph(model).operators
    places = tuple(i for i, operator in enumerate(operators) if operator_name(model, operator) == EDGETPU)
    if not places:
        raise InputError(f"{name} is not compiled for the Edge TPU: it has no {EDGETPU}")
    try:
        packages = tuple(read_package(operators[i]) for i in places)
    except InputError as error:
        raise InputError(f"{name}: {error}") from error
    return Compiled(graph_of(model), packages, places, len(data))


def totals(compiled: Compiled) -> dict[str, Any]:
    """Return the figures of *compiled* that matter to a user, summed over its packages.

    Cached bytes are loaded once and stay on the chip; streamed bytes are transferred at every inference, about 2 ms per
    megabyte on USB 3, and so are instructions, inputs and outputs.
    """
    executables = [item for package in compiled.packages for item in package.executables]
    runs = [item for item in executables if item.type != CACHING]
    cycles = sum(item.estimated_cycles for item in runs)
    return {
        "subgraphs": len(compiled.packages),
        "cpu_operators": [op.name for op in compiled.graph.operators if op.index not in compiled.places],
        "cached_bytes": sum(item.parameter_bytes for item in executables if item.type == CACHING),
        "streamed_bytes": sum(item.parameter_bytes for item in runs),
        "instruction_bytes": sum(size for item in executables for size in item.instruction_bytes),
        "instruction_bytes_per_inference": sum(size for item in runs for size in item.instruction_bytes),
        "scratch_bytes": sum(item.scratch_size_bytes for item in executables),
        "dma_input_bytes": sum(item.dma_input_bytes for item in runs),
        "dma_output_bytes": sum(item.dma_output_bytes for item in runs),
        "min_runtime_version": max(package.min_runtime_version for package in compiled.packages),
        "estimated_cycles": cycles or None,
        "estimated_compute_ms": round(cycles / CYCLES_A_MS, 3) or None,
    }


def compiled_record(compiled: Compiled) -> dict[str, Any]:
    """Return every field of *compiled* as plain data for JSON."""
    packages = [
        {"operator": place, **dataclasses.asdict(package)}
        for place, package in zip(compiled.places, compiled.packages, strict=True)
    ]
    return {**totals(compiled), "packages": packages}
