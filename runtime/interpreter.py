"""Opening a .tflite with whichever interpreter this machine has."""

from __future__ import annotations

import importlib
import importlib.metadata
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Tuple

from numpy.typing import NDArray

from detlite.runtime.errors import ContractError, DeviceError, InputError, MissingToolError

MODULES = (
    ("ai_edge_litert.interpreter", "ai-edge-litert"),
    ("tflite_runtime.interpreter", "tflite-runtime"),
    ("tensorflow.lite", "tensorflow"),
)
"""In the order of preference: the successor, the one for old boards, and the heavy one."""

MOST_TEXT = 300  # characters of a runtime's error: some list the whole model

Details = Dict[str, Any]


@dataclass(frozen=True, eq=False)
class Opened:
    """An interpreter with its tensors allocated.

    Attributes:
        interpreter: the object of the runtime.
        runtime: the package and its version: `ai-edge-litert 2.3.0`.
        inputs: the runtime's own details of the inputs: `name`, `index`, `shape`, `dtype`, `quantization`.
        outputs: the same of the outputs, in the model's order.
    """

    interpreter: Any
    runtime: str
    inputs: Tuple[Details, ...]
    outputs: Tuple[Details, ...]

    def set_input(self, index: int, tensor: NDArray[Any]) -> None:
        """Hand over *tensor* as the input with the runtime's *index*.

        Raises:
            ContractError: it is not what the model takes.
        """
        try:
            self.interpreter.set_tensor(index, tensor)
        except ValueError as error:
            raise ContractError(f"{self.runtime} does not take the input: {_line(error)}") from error

    def invoke(self) -> None:
        """Run the model.

        Raises:
            DeviceError: the interpreter fails at it.
        """
        try:
            self.interpreter.invoke()
        except RuntimeError as error:
            raise DeviceError(f"{self.runtime} failed to run the model: {_line(error)}") from error


def open_interpreter(model: Path, *, threads: int = 1) -> Opened:
    """Return the model at *model*, opened and allocated.

    Raises:
        InputError: it is no model, is damaged, or has an operator that the runtime does not know.
        MissingToolError: no interpreter is installed.
    """
    if threads < 1:
        raise InputError(f"{threads} threads: want at least 1")
    if not model.is_file():
        raise InputError(f"{model} is no file; want a .tflite model")
    kind, runtime = _interpreter()
    try:
        interpreter = kind(model_path=str(model), num_threads=threads)
        interpreter.allocate_tensors()
        inputs, outputs = tuple(interpreter.get_input_details()), tuple(interpreter.get_output_details())
    except (ValueError, RuntimeError, TypeError) as error:
        raise InputError(f"{runtime} cannot open {model}: {_line(error)}") from error
    return Opened(interpreter, runtime, inputs, outputs)


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:MOST_TEXT]


def _interpreter() -> Tuple[Any, str]:
    for module, package in MODULES:
        try:
            kind = importlib.import_module(module).Interpreter
        except ModuleNotFoundError as error:
            if error.name is not None and not module.startswith(error.name):
                raise  # the runtime is there, and something that it needs is not
            continue
        return kind, f"{package} {_version(package)}"
    raise MissingToolError(f"no TFLite interpreter is installed: pip install {' or '.join(p for _m, p in MODULES)}")


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:  # such as tensorflow under another package's name
        return "of unknown version"
