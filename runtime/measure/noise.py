"""Random inputs for a model that nobody gives images to."""

from __future__ import annotations

from typing import Any, List, Sequence

import numpy as np
from numpy.typing import NDArray

from detlite.runtime.errors import InputError
from detlite.runtime.runners.backend import Runner
from detlite.runtime.runners.interpreter import Details

FEWEST_INDEX_BITS = 32
"""Integers of fewer bits are quantized values or pixels; wider ones are indices and tokens."""


FIX_IT = "convert the model with a fixed size"


def noise_tensor(detail: Details, seed: int) -> NDArray[Any]:
    """Return noise for the input *detail*, of its shape and dtype, the same for the same *seed*.

    Floats are in -1..1, integers of under 32 bits in the range of 8 bits, wider ones 0 or 1: indices in any table.

    Raises:
        InputError: the input takes no numbers, or leaves its size open.
    """
    signature: Sequence[int] = detail["shape_signature"] if "shape_signature" in detail else detail.get("signature", [])
    if any(side < 0 for side in list(signature)[1:]):
        raise InputError(f"the input {detail['name']!r} leaves its size open ({_sides(signature)}): {FIX_IT}")
    shape, dtype = tuple(int(side) for side in detail["shape"]), np.dtype(detail["dtype"])
    generator = np.random.default_rng(seed)
    if dtype.kind in "fc":
        return generator.uniform(-1, 1, shape).astype(dtype)
    if dtype.kind == "b" or (dtype.kind in "iu" and dtype.itemsize * 8 >= FEWEST_INDEX_BITS):
        return generator.integers(0, 2, shape).astype(dtype)
    if dtype.kind not in "iu":
        raise InputError(f"the input {detail['name']!r} takes {dtype.name}: a model is measured with numbers alone")
    low = -128 if dtype.kind == "i" else 0
    return generator.integers(low, low + 256, shape).astype(dtype)


def _sides(signature: Sequence[int]) -> str:
    return " x ".join("?" if side < 0 else str(side) for side in signature)


def noise_inputs(runner: Runner, seed: int) -> List[NDArray[Any]]:
    """Return noise for every input of the model that *runner* opened; errors as `noise_tensor`."""
    return [noise_tensor(detail, seed) for detail in runner.inputs]


def feed_all(runner: Runner, tensors: List[NDArray[Any]]) -> None:
    """Set every input of *runner*: an interpreter may use their memory for results, so that they do not last."""
    for detail, tensor in zip(runner.inputs, tensors):
        runner.set_input(detail["index"], tensor)
