"""A stream's states as the app's code needs them: their sizes, their first bytes, and where the model leaves them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from detlite.convert.tflite.flatbuffer import load
from detlite.convert.tflite.tensors import main_subgraph, quantization_of
from detlite.runtime.contract import Contract
from detlite.runtime.memory import quantized
from detlite.runtime.stream_inputs import StateInput
from detlite.runtime.tensors import Quantization

AS_STORED = Quantization(1.0, 0)


@dataclass(frozen=True)
class Rescaling:
    """How what a frame leaves becomes what the next takes, where the model quantizes the two differently.

    Attributes:
        left, taken: the two.
        low, high: the limits of the dtype.
    """

    left: Quantization
    taken: Quantization
    low: int
    high: int


@dataclass(frozen=True)
class AppState:
    """A state in an app; its input's number is its place among the states, plus 1 for the image.

    Attributes:
        name: the tensor's name.
        output: the number of the output that becomes the next frame's input.
        count: the number of its elements.
        item_bytes: the size of an element.
        first: an element before the first frame, as a signed integer of the same bits.
        rescaling: None where the output's bytes are the input's.
    """

    name: str
    output: int
    count: int
    item_bytes: int
    first: int
    rescaling: Rescaling | None


def app_states(data: bytes, contract: Contract) -> tuple[AppState, ...]:
    """Return the states of the model *data*, in the order of its inputs, as `runtime.memory` carries them."""
    subgraph = main_subgraph(load(data, "the model"))
    states = (one for one in contract.inputs if isinstance(one, StateInput))
    return tuple(_app_state(one, subgraph.tensors[subgraph.outputs[one.output]]) for one in states)


def _app_state(state: StateInput, output: object) -> AppState:
    element = quantized(np.full(1, state.initial, np.float32), state.dtype, state.quantization)
    item_bytes = element.dtype.itemsize
    return AppState(
        name=state.name,
        output=state.output,
        count=math.prod(state.shape),
        item_bytes=item_bytes,
        first=int(element.view(f"i{item_bytes}")[0]),
        rescaling=_rescaling(state, quantization_of(output)),
    )


def _rescaling(state: StateInput, left: Quantization | None) -> Rescaling | None:
    if state.quantization is None or left == state.quantization:
        return None
    limits = np.iinfo(state.dtype)
    return Rescaling(left or AS_STORED, state.quantization, int(limits.min), int(limits.max))
