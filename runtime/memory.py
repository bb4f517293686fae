"""A model's inputs besides the image: its window, states from the previous frame, and banks of features."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, List, Optional, Sequence, Tuple

import numpy as np
from numpy.typing import NDArray

from detlite.runtime.arrays import Floats
from detlite.runtime.counts import counted
from detlite.runtime.errors import ContractError
from detlite.runtime.tensors import Quantization

if TYPE_CHECKING:
    from detlite.runtime.inputs import Fit
    from detlite.runtime.runners.backend import Runner
    from detlite.runtime.runners.interpreter import Details
    from detlite.runtime.stream_inputs import BankInput, Input, StateInput

Array = NDArray[Any]


def quantized(real: Floats, dtype: str, quantization: Optional[Quantization]) -> Array:
    """Return *real* as *dtype*; an integer with a *quantization* is quantized and clipped to its range."""
    if quantization is None:
        return real.astype(dtype)
    limits = np.iinfo(dtype)
    steps = np.rint(real / np.float32(quantization.scale)) + quantization.zero_point
    whole: Array = np.clip(steps, limits.min, limits.max).astype(dtype)
    return whole


class Memory:
    """The windows, states and banks of an open model; without tensors if the model has none."""

    def __init__(self, inputs: Tuple[Input, ...], opened: Runner, tensors: Optional[Sequence[Details]] = None) -> None:
        """Use the *inputs* of *opened* besides its image, with empty banks.

        Their *tensors* are in this order; None: those that follow the model's first.
        """
        self._opened, self._tensors = opened, opened.inputs[1:] if tensors is None else tensors
        self._states: Dict[int, StateInput] = {}
        self._banks: Dict[int, BankInput] = {}
        self._windows: List[int] = []
        self._values: Dict[int, Array] = {}
        place = 0
        for one in inputs:
            if one.kind == "state":
                self._states[place] = one
            elif one.kind == "bank":
                self._banks[place] = one
            elif one.kind == "window":
                self._windows.append(place)
            place += len(one.tensors)
        self.reset()
        if self._banks:
            self.remember(np.zeros((0, next(iter(self._banks.values())).width), np.float32))

    def reset(self) -> None:
        """Start a stream: reset every state to its initial value. Banks keep their features."""
        for place, one in self._states.items():
            self._values[place] = quantized(np.full(one.shape, one.initial, np.float32), one.dtype, one.quantization)

    def remember(self, features: Floats) -> None:
        """Fill the model's bank with *features*, float32 (n, width); the other slots are zeros.

        Raises:
            ContractError: the model has no bank, or *features* do not fit it.
        """
        if not self._banks:
            raise ContractError("the model has no bank of features to fill")
        for place, bank in self._banks.items():
            if features.ndim != 2 or features.shape[1] != bank.width or len(features) > bank.slots:
                raise ContractError(
                    f"features {features.shape} for the bank {bank.name}: want (n, {bank.width}), at most "
                    f"{counted(bank.slots, 'row')}"
                )
            filled = np.zeros((1, bank.slots, bank.width), np.float32)
            filled[0, : len(features)] = features
            self._values[place], self._values[place + 1] = filled, np.array([len(features)], np.int32)

    def states(self) -> Dict[str, Array]:
        """Return the states by name, as they are stored."""
        return {one.name: self._values[place] for place, one in self._states.items()}

    def values(self) -> Tuple[Array, ...]:
        """Return the values of all states and banks, in the order of the contract's inputs."""
        return tuple(self._values[place] for place in sorted(self._values))

    def feed(self, fit: Fit) -> None:
        """Set the model's inputs to every state and bank, and to where the image is, as *fit* says."""
        for place in self._windows:
            self._values[place] = np.array([fit.window], np.float32)
        for place, value in self._values.items():
            self._opened.set_input(self._tensors[place]["index"], value)

    def carry(self) -> None:
        """Read the states that the model has just returned, for the next frame."""
        for place, one in self._states.items():
            detail = self._opened.outputs[one.output]
            left = self._opened.output(detail["index"]).reshape(one.shape)
            scale, zero_point = detail["quantization"]
            if left.dtype == np.dtype(one.dtype) and (
                one.quantization is None or one.quantization == Quantization(float(scale), int(zero_point))
            ):
                self._values[place] = left
                continue
            real = left.astype(np.float32)
            if scale > 0 and left.dtype != np.float32:
                real = (real - np.float32(zero_point)) * np.float32(scale)
            self._values[place] = quantized(real, one.dtype, one.quantization)
