"""Opening a .tflite with whichever interpreter this machine has."""

from __future__ import annotations

import importlib
import importlib.metadata
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Tuple

from detlite.runtime.errors import InputError, MissingToolError

MODULES = (
    ("ai_edge_litert.interpreter", "ai-edge-litert"),
    ("tflite_runtime.interpreter", "tflite-runtime"),
    ("tensorflow.lite", "tensorflow"),
)
"""In the order of preference: the successor, the one for old boards, and the heavy one."""


@dataclass(frozen=True, eq=False)
class Opened:
    """An interpreter with its tensors allocated.

    Attributes:
        interpreter: the object of the runtime.
        runtime: the package and its version: `ai-edge-litert 2.3.0`.
    """

    interpreter: Any
    runtime: str

    @property
    def inputs(self) -> List[Dict[str, Any]]:
        """The runtime's own details of the inputs: `name`, `index`, `shape`, `dtype`, `quantization`."""
        details: List[Dict[str, Any]] = self.interpreter.get_input_details()
        return details

    @property
    def outputs(self) -> List[Dict[str, Any]]:
        """The same of the outputs, in the model's order."""
        details: List[Dict[str, Any]] = self.interpreter.get_output_details()
        return details


def open_interpreter(model: Path, *, threads: int = 1) -> Opened:
    """Return the model at *model*, opened and allocated.

    Raises:
        InputError: it is no model, is damaged, or has an operator that the runtime does not know.
        MissingToolError: no interpreter is installed.
    """
    if threads < 1:
        raise InputError(f"{threads} threads: want at least 1")
    kind, runtime = _interpreter()
    try:
        interpreter = kind(model_path=str(model), num_threads=threads)
        interpreter.allocate_tensors()
    except (ValueError, RuntimeError, TypeError) as error:
        raise InputError(f"{runtime} cannot open {model}: {' '.join(str(error).split())[:300]}") from error
    return Opened(interpreter, runtime)


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
