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
