"""Memory of an operator's weights on the Edge TPU, from its shapes alone.

Sizes are computed from shapes and checked against the byte counts in the schema fields of compiled
files; the layout inside the blob is not examined.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from detlite.convert.targets.edgetpu.graph import GraphOperator

OUTPUTS_A_BLOCK = 64
LANES = 16  # outputs computed in parallel
BIAS_BYTES = 8  # bias and scale per output
ALIGNMENT = 64
DEPTHWISE_A_BLOCK = 4  # channels
TILE_BYTES = 512 << 10  # one of 16, 8 MiB in all: a block that fills one is streamed, whatever is free
ON_CHIP_BYTES = 16 * TILE_BYTES
SURE_BYTES = 5_800_000  # activations use part of the 8 MiB: real models had 6.1 to 7.9 MB left


@dataclass(frozen=True)
class Parameters:
    """Memory of the mapped operators' weights, in bytes.

    Attributes:
        parameter_bytes: the total, as the chip stores them.
        streamed_bytes_least: transferred at every inference if all of the chip's memory were free.
        streamed_bytes_most: the same with the least free memory ever seen.
    """

    parameter_bytes: int
    streamed_bytes_least: int
    streamed_bytes_most: int


def parameters_of(operators: Sequence[GraphOperator]) -> Parameters:
    """Return the memory of the weights of *operators*, all mapped."""
    blocks = [size for operator in operators for size in _blocks(operator)]
    large = sum(size for size in blocks if size >= TILE_BYTES)
    total = sum(blocks)
    small = total - large
    return Parameters(total, large + max(0, small - ON_CHIP_BYTES), large + max(0, small - SURE_BYTES))


def _blocks(operator: GraphOperator) -> Iterator[int]:
    weights = operator.input(1)
    if weights is None or not weights.is_constant or not weights.shape:
        return
    shape = weights.shape
    if operator.name == "DEPTHWISE_CONV_2D" and len(shape) == 4:
        block = _aligned(shape[1] * shape[2] * LANES + DEPTHWISE_A_BLOCK * LANES)
        yield from [block] * -(-shape[3] // DEPTHWISE_A_BLOCK)
    elif operator.name in ("CONV_2D", "TRANSPOSE_CONV") and len(shape) == 4:
        yield from _dense_blocks(shape[0], shape[1] * shape[2] * shape[3])
    elif operator.name == "FULLY_CONNECTED" and len(shape) == 2:
        yield from _dense_blocks(shape[0], shape[1])


def _dense_blocks(outputs: int, inputs: int) -> Iterator[int]:
    for first in range(0, outputs, OUTPUTS_A_BLOCK):
        lanes = -(-min(OUTPUTS_A_BLOCK, outputs - first) // LANES) * LANES
        yield _aligned(inputs * lanes + BIAS_BYTES * lanes)


def _aligned(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT
