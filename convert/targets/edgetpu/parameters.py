"""Memory of the mapped operators' weights on the Edge TPU, from their shapes alone.

Sizes are computed from shapes and checked against the byte counts in the schema fields of compiled
files; the layout inside the blob is not examined.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from detlite.convert.targets.edgetpu.cycles import total_cycles
from detlite.convert.targets.edgetpu.graph import EIGHT_BIT, GraphOperator

OUTPUTS_A_BLOCK = 64
LANES = 16  # outputs computed in parallel
BIAS_BYTES = 4  # per output
SCALE_BYTES = 4  # per output, if each has its own
ALIGNMENT = 64
DEPTHWISE_A_BLOCK = 4  # channels
ON_CHIP_BYTES = 8 << 20  # 16 tiles of 512 KiB
SURE_BYTES = 5_800_000  # activations use part of the 8 MiB: real models had 6.1 to 7.9 MB left
LIKELY_BYTES = 7_000_000  # the middle of that
PARAMETER_ERROR = 0.16
"""How far a total may be from the compiled file's: at most 15.6 % in 99 compiled models that nothing was fitted to."""

STREAMED_BLOCK_BYTES = 256 << 10  # a FULLY_CONNECTED with weights [1, 16384] has one, and is streamed
CACHED_BLOCK_BYTES = 184_448  # the largest that was seen cached
STREAMLESS_CYCLES = 8_500_000  # models of up to 8.4 million were seen to stream nothing, and none of more
STREAMLESS = frozenset(
    {
        "ADD",
        "AVERAGE_POOL_2D",
        "CONCATENATION",
        "CONV_2D",
        "DEPTHWISE_CONV_2D",
        "FULLY_CONNECTED",
        "LOGISTIC",
        "MAX_POOL_2D",
        "MEAN",
        "MUL",
        "PAD",
        "QUANTIZE",
        "REDUCE_MAX",
        "RELU",
        "RESHAPE",
        "RESIZE_NEAREST_NEIGHBOR",
        "SOFTMAX",
        "SPLIT",
    }
)
"""Operators of compiled models that were seen to stream nothing."""


@dataclass(frozen=True)
class Parameters:
    """Memory of the mapped operators' weights, in bytes.

    Attributes:
        parameter_bytes: the total, as the chip stores them, within `PARAMETER_ERROR`.
        streamed_bytes_least: transferred at every inference at least.
        streamed_bytes_most: the same at most; 0 only for models like those that were seen to stream nothing.
        streamed_bytes_likely: an estimate in between, for the latency.
        causes: why more than the least may be streamed, a sentence each.
    """

    parameter_bytes: int
    streamed_bytes_least: int
    streamed_bytes_most: int
    streamed_bytes_likely: int
    causes: tuple[str, ...] = ()


def parameters_of(operators: Sequence[GraphOperator]) -> Parameters:
    """Return the memory of the weights of *operators*, all mapped."""
    total = sum(size for operator in operators for size in _blocks(operator))
    constants = sum(_constant_bytes(operator) for operator in operators)
    most = math.ceil((total + constants) * (1 + PARAMETER_ERROR))
    streamed = sum(size for operator in operators for size in _blocks(operator) if _is_streamed(operator, size))
    least = streamed + max(0, int((total - streamed) / (1 + PARAMETER_ERROR)) - ON_CHIP_BYTES)
    likely = streamed + max(0, total - streamed - LIKELY_BYTES)
    unlike = tuple(_unlike_streamless(operators))
    if unlike:
        return Parameters(total, least, most, likely, unlike)
    doubtful = sum(size for operator in operators for size in _doubtful(operator))
    excess = max(0, most - doubtful - SURE_BYTES)
    causes = tuple(_causes(operators, excess))
    return Parameters(total, least, max(least, min(most, doubtful + excess)), likely, causes)


def _unlike_streamless(operators: Sequence[GraphOperator]) -> Iterator[str]:
    """Yield what *operators* have that no model seen to stream nothing had: all of their weights may be streamed."""
    strangers = sorted({operator.name for operator in operators} - STREAMLESS)
    if strangers:
        yield f"no model with {', '.join(strangers)} was seen to stream nothing"
    cycles = total_cycles(operators)
    if cycles > STREAMLESS_CYCLES:
        yield f"no model of over {STREAMLESS_CYCLES} cycles was seen to stream nothing, and this has {cycles:.0f}"


def _causes(operators: Sequence[GraphOperator], excess: int) -> Iterator[str]:
    doubtful = [operator for operator in operators if any(_doubtful(operator))]
    for name in sorted({operator.name for operator in doubtful}):
        count = sum(operator.name == name for operator in doubtful)
        yield f"weights of {count} {name} may be streamed although memory is free"
    if excess:
        yield f"over {SURE_BYTES} of the {ON_CHIP_BYTES} bytes on chip may not be free"


def _doubtful(operator: GraphOperator) -> Iterator[int]:
    """Yield the sizes of the weights of *operator* that may be streamed although memory is free.

    Seen streamed: constants of operators that have no weights, and weights of a FULLY_CONNECTED that reads a map of
    more than one place. Not seen cached: large blocks.
    """
    image, blocks = operator.input(0), list(_blocks(operator))
    reads_a_map = operator.name == "FULLY_CONNECTED" and image is not None and math.prod(image.shape[1:-1]) > 1
    for size in blocks:
        if reads_a_map or size > CACHED_BLOCK_BYTES:
            yield math.ceil(size * (1 + PARAMETER_ERROR))
    if constants := _constant_bytes(operator):
        yield math.ceil(constants * (1 + PARAMETER_ERROR))


def _is_streamed(operator: GraphOperator, size: int) -> bool:
    return operator.name == "FULLY_CONNECTED" and size >= STREAMED_BLOCK_BYTES


def _constant_bytes(operator: GraphOperator) -> int:
    """Return the memory of the numbers that an operator without weights computes with: a scale and a bias for each."""
    if any(_blocks(operator)):
        return 0
    numbers = [t for t in operator.inputs if t is not None and t.is_constant and t.dtype in EIGHT_BIT]
    return sum(_aligned(math.prod(t.shape) * LANES) for t in numbers)


def _blocks(operator: GraphOperator) -> Iterator[int]:
    weights = operator.input(1)
    if weights is None or not weights.is_constant or not weights.shape:
        return
    shape, per_output = weights.shape, BIAS_BYTES + (SCALE_BYTES if len(weights.scales) > 1 else 0)
    if operator.name == "DEPTHWISE_CONV_2D" and len(shape) == 4:
        block = _aligned(shape[1] * shape[2] * LANES + DEPTHWISE_A_BLOCK * LANES)
        yield from [block] * -(-shape[3] // DEPTHWISE_A_BLOCK)
    elif operator.name in ("CONV_2D", "TRANSPOSE_CONV") and len(shape) == 4:
        yield from _dense_blocks(shape[0], shape[1] * shape[2] * shape[3], per_output)
    elif operator.name == "FULLY_CONNECTED" and len(shape) == 2:
        yield from _dense_blocks(shape[0], shape[1], per_output)


def _dense_blocks(outputs: int, inputs: int, bytes_per_output: int) -> Iterator[int]:
    for first in range(0, outputs, OUTPUTS_A_BLOCK):
        lanes = -(-min(OUTPUTS_A_BLOCK, outputs - first) // LANES) * LANES
        yield _aligned((inputs + bytes_per_output) * lanes)


def _aligned(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT
