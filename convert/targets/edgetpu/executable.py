"""One executable of a compiled package: the fields of libedgetpu's published `executable.fbs`.

Of the parameter and instruction blobs only the sizes are read.
"""

from __future__ import annotations

import math
import struct
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from detlite.convert.tflite.tables import Table, root_table
from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError

TYPES = ("STAND_ALONE", "PARAMETER_CACHING", "EXECUTION_ONLY")
DATA_TYPES: Mapping[int, str] = {
    0: "FIXED_POINT8",
    1: "FIXED_POINT16",
    2: "SIGNED_FIXED_POINT32",
    3: "BFLOAT",
    4: "HALF",
    5: "SINGLE",
    8: "SIGNED_FIXED_POINT8",
    9: "SIGNED_FIXED_POINT16",
}
DTYPES: Mapping[str, str] = {"FIXED_POINT8": "uint8", "SIGNED_FIXED_POINT8": "int8", "HALF": "float16"}
"""The dtype of a tensor whose layer has this data type."""

FIELD_KINDS = ("OUTPUT_ACTIVATION", "INPUT_ACTIVATION", "PARAMETER", "SCRATCH")
DMA_DESCRIPTOR, INTO_CHIP, OUT_OF_CHIP = 1, 0, 1
MOST_DIMENSIONS = 16
MOST_TABLES = 400_000  # per executable: the largest seen has some thousands


@dataclass(frozen=True)
class Layer:
    """An input or an output of an executable: a tensor of the host.

    Attributes:
        name: the tensor's name.
        size_bytes: as transferred, including padding.
        yxz: height, width and depth.
        zero_point: its zero point.
        scale: its scale.
        data_type: the schema's name.
        kind: `input` or `output`.
        executions_per_inference: 1 in every file seen.
        cache_on_dram: whether it stays in the chip's memory.
        shape: (first, last) of each dimension; empty if the file has none.
    """

    name: str
    size_bytes: int
    yxz: tuple[int, int, int]
    zero_point: int
    scale: float
    data_type: str
    kind: str
    executions_per_inference: int
    cache_on_dram: bool
    shape: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Executable:
    """One executable.

    Attributes:
        version: the format's version.
        name: mostly `model`.
        serialized_model_bytes: size of the model in it; 0 in every file seen.
        batch_size: images per inference.
        scratch_size_bytes: host memory that it needs.
        instruction_bytes: the size of each chunk of instructions.
        instruction_fields: places in the instructions that the driver fills in, by kind.
        parameter_bytes: size of the weights; cached if `type` is PARAMETER_CACHING, else streamed.
        dma_input_bytes: activations transferred to the chip per inference.
        dma_output_bytes: activations transferred back.
        dma_hints: the number of transfers that it announces.
        fully_deterministic: whether the transfers always come in the announced order.
        input_layers, output_layers: the host's tensors.
        chip: `beagle` is the Edge TPU.
        estimated_cycles: the compiler's estimate; 0 if it gives none, as version 16 does.
        narrow_memory_bytes_per_tile: used on the chip.
        type: one of `TYPES`.
        parameter_caching_token: the same in executables that share cached weights.
        use_tpu_dram_for_parameters: whether the weights are in the chip's own DRAM.
    """

    version: int
    name: str
    serialized_model_bytes: int
    batch_size: int
    scratch_size_bytes: int
    instruction_bytes: tuple[int, ...]
    instruction_fields: dict[str, int]
    parameter_bytes: int
    dma_input_bytes: int
    dma_output_bytes: int
    dma_hints: int
    fully_deterministic: bool
    input_layers: tuple[Layer, ...]
    output_layers: tuple[Layer, ...]
    chip: str
    estimated_cycles: int
    narrow_memory_bytes_per_tile: int
    type: str
    parameter_caching_token: int
    use_tpu_dram_for_parameters: bool


def read_executable(data: bytes) -> Executable:
    """Return the executable in the flatbuffer *data*.

    Raises:
        InputError: a field is outside of it, or has a value that the schema does not define.
    """
    table = root_table(data)
    kind = table.integer(13, "h")
    if not 0 <= kind < len(TYPES):
        raise InputError(f"an executable of type {kind}; the schema knows 0 to {len(TYPES) - 1}")
    budget = _Budget()
    bitstreams = budget.tables(table, 5)
    dma = _dma(table.table(7), budget)
    return Executable(
        version=table.integer(0),
        name=table.text(1),
        serialized_model_bytes=_size(table, 2),
        batch_size=table.integer(3),
        scratch_size_bytes=table.integer(4),
        instruction_bytes=tuple(_size(item, 0) for item in bitstreams),
        instruction_fields=_fields(bitstreams, budget),
        parameter_bytes=_size(table, 6),
        dma_input_bytes=dma[INTO_CHIP],
        dma_output_bytes=dma[OUT_OF_CHIP],
        dma_hints=dma[-1],
        fully_deterministic=_flag(table.table(7), 1),
        input_layers=tuple(_layer(item) for item in budget.tables(table, 8)),
        output_layers=tuple(_layer(item) for item in budget.tables(table, 9)),
        chip=table.text(10),
        estimated_cycles=table.integer(16, "q") or table.integer(11),
        narrow_memory_bytes_per_tile=table.integer(12),
        type=TYPES[kind],
        parameter_caching_token=table.integer(14, "Q"),
        use_tpu_dram_for_parameters=_flag(table, 15),
    )


class _Budget:
    """How many more tables may be read: a vector may refer to the same one a million times."""

    def __init__(self) -> None:
        self._left = MOST_TABLES

    def tables(self, table: Table, slot: int) -> list[Table]:
        _start, count = table.vector(slot, 4) or (0, 0)
        self._left -= count
        if self._left < 0:
            raise InputError(f"an executable with over {MOST_TABLES} parts")
        return table.tables(slot)


def _size(table: Table, slot: int) -> int:
    _start, count = table.vector(slot, 1) or (0, 0)
    return count


def _flag(table: Table | None, slot: int) -> bool:
    return table is not None and table.byte(slot) != 0


def _fields(bitstreams: list[Table], budget: _Budget) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for bitstream in bitstreams:
        for offset in budget.tables(bitstream, 1):
            meta = offset.table(0)
            kind = 0 if meta is None else meta.integer(0, "h")
            if not 0 <= kind < len(FIELD_KINDS):
                raise InputError(f"an instruction field of kind {kind}; the schema knows 0 to {len(FIELD_KINDS) - 1}")
            counts[FIELD_KINDS[kind]] += 1
    return dict(sorted(counts.items()))


def _dma(hints: Table | None, budget: _Budget) -> list[int]:
    """Return the bytes to the chip, the bytes from it, and the number of hints."""
    found = [0, 0, 0]
    for hint in [] if hints is None else budget.tables(hints, 0):
        found[-1] += 1
        descriptor = hint.table(1) if hint.byte(0) == DMA_DESCRIPTOR else None
        direction = hint.integer(2, "h")
        if descriptor is not None and direction in (INTO_CHIP, OUT_OF_CHIP):
            meta = descriptor.table(0)
            if meta is not None and FIELD_KINDS[meta.integer(0, "h") % len(FIELD_KINDS)].endswith("ACTIVATION"):
                found[direction] += descriptor.integer(2)
    return found


def _layer(table: Table) -> Layer:
    numerics, shape = table.table(5), table.table(11)
    code = table.integer(6, "h")
    if code not in DATA_TYPES:
        raise InputError(f"layer {table.text(0)!r:.60} has the data type {code}, which the schema does not define")
    scale = 0.0 if numerics is None else float(numerics.number(1, "f"))
    if not math.isfinite(scale):
        raise InputError(f"layer {table.text(0)!r:.60} has the scale {scale}: the file is damaged")
    return Layer(
        name=table.text(0),
        size_bytes=table.integer(1),
        yxz=(table.integer(2), table.integer(3), table.integer(4)),
        zero_point=0 if numerics is None else numerics.integer(0),
        scale=scale,
        data_type=DATA_TYPES[code],
        kind={1: "output", 2: "input"}.get(table.byte(7), "unknown"),
        executions_per_inference=table.integer(9) if table.field(9) is not None else 1,
        cache_on_dram=_flag(table, 10),
        shape=() if shape is None else _ranges(shape),
    )


def _ranges(shape: Table) -> tuple[tuple[int, int], ...]:
    start, count = shape.vector(0, 8) or (0, 0)
    if count > MOST_DIMENSIONS:
        raise InputError(f"a layer of {counted(count, 'dimension')}; expected at most {MOST_DIMENSIONS}")
    numbers = struct.unpack_from(f"<{2 * count}i", shape.data, start)
    return tuple(zip(numbers[::2], numbers[1::2], strict=True))
