"""A model that returns its inner activations, for measuring noise and moments."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detlite.calibration.models import Feed
from detlite.convert.tflite.open_file import TfliteFile
from detlite.convert.tflite.tensors import name_of
from detlite.runtime.runners.interpreter import Opened


def run_sample(opened: Opened, sample: Feed) -> None:
    """Run the *opened* model on *sample*, which has a value for each of its inputs.

    Raises:
        ContractError: a value does not fit its input.
        DeviceError: the interpreter fails to run the model.
    """
    for detail, value in zip(opened.inputs, sample.inputs, strict=True):
        opened.set_input(detail["index"], value)
    opened.invoke()


class ActivationReader:
    """An opened model that returns the requested activations.

    Attributes:
        tensors: the index of each activation among the model's outputs, by tensor name.
    """

    def __init__(self, opened: Opened, tensors: Mapping[str, int]) -> None:
        self._opened, self.tensors = opened, tensors

    def run(self, sample: Feed) -> Callable[[str], NDArray[np.float32]]:
        """Run the model on *sample* and return a function from a tensor's name to its float32 values."""
        run_sample(self._opened, sample)
        return self._real

    def _real(self, name: str) -> NDArray[np.float32]:
        detail = self._opened.outputs[self.tensors[name]]
        value: NDArray[Any] = self._opened.interpreter.get_tensor(detail["index"])
        if value.dtype == np.float32:
            return value
        scale, zero_point = detail["quantization"]
        real: NDArray[np.float32] = (value.astype(np.float32) - zero_point) * np.float32(scale)
        return real


def open_activations(file: TfliteFile, names: Sequence[str]) -> ActivationReader:
    """Open a copy of the model *file* that returns its tensors in *names*; names that it does not have are skipped."""
    copied = file.copy()
    model, subgraph = copied.edit(), copied.subgraph
    by_name = {name_of(tensor): index for index, tensor in enumerate(subgraph.tensors)}
    known = [name for name in names if name in by_name]
    subgraph.outputs, model.signatureDefs = [by_name[name] for name in known], []
    return ActivationReader(copied.interpreter(), {name: place for place, name in enumerate(known)})
