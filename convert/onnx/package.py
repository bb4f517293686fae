"""The package `onnx`, imported when a file is read, written or checked."""

from __future__ import annotations

from typing import Any

from detlite.convert.extras import install_line
from detlite.runtime.errors import MissingToolError


def load_onnx() -> Any:
    """Return the module `onnx`.

    Raises:
        MissingToolError: it is not installed.
    """
    try:
        import onnx
        import onnx.checker
        import onnx.helper
        import onnx.numpy_helper
        import onnx.shape_inference
    except ModuleNotFoundError as error:
        if error.name != "onnx":
            raise
        raise MissingToolError(f"reading and writing ONNX needs the package onnx: {install_line('onnx')}") from error
    return onnx
