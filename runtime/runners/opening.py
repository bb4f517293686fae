"""Opening a model file with the back end for its format."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from detlite.runtime.errors import InputError
from detlite.runtime.runners.interpreter import open_interpreter

if TYPE_CHECKING:
    from detlite.runtime.runners.backend import Runner

TFLITE = ".tflite"


def open_model(model: Path, *, threads: int = 1) -> Runner:
    """Return the file *model*, opened by the default back end for its suffix on the CPU.

    Raises:
        InputError: no back end can open such a file, or it is damaged.
        MissingToolError: the back end is not installed.
    """
    if model.suffix == TFLITE:  # without importing a back end: a board's program starts faster
        return open_interpreter(model, threads=threads)
    from detlite.runtime.runners.backend import Settings, backend_for

    name, backend = backend_for(model, None)
    if backend.open is None:
        raise InputError(f"{name} cannot run {model} here: it only reads another program's measurements")
    return backend.open(model, Settings(threads), None)
