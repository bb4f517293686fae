"""The only import of TensorFlow: late, quiet, on the CPU, with a clear error if it is missing."""

from __future__ import annotations

import os
from typing import Any

from detlite.convert.extras import install_line
from detlite.runtime.errors import MissingToolError

QUIET = {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_ENABLE_ONEDNN_OPTS": "0",  # oneDNN sums in another order, but the same inputs must give the same bytes
    "CUDA_VISIBLE_DEVICES": "",
    "ABSL_MIN_LOG_LEVEL": "3",
}

REFUSALS = (
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    AssertionError,
    ArithmeticError,
    RuntimeError,
)
"""What TensorFlow's Python raises for a damaged graph, beside its own `OpError`: it looks names up, and asserts."""


def first_line(error: Exception) -> str:
    """Return the first line of the text of *error*; the name of its type if it has none."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def load_tensorflow() -> Any:
    """Return the module `tensorflow`.

    Raises:
        MissingToolError: it is not installed.
    """
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    try:
        import tensorflow
    except ModuleNotFoundError as error:
        if error.name != "tensorflow":
            raise
        raise MissingToolError(
            f"TensorFlow is not installed, but conversion needs it: {install_line('convert')}"
        ) from error
    tensorflow.get_logger().setLevel("ERROR")
    return tensorflow
