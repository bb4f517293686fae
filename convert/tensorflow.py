"""The one door to TensorFlow: imported late, quiet, on the CPU, and with a clear word where it is missing."""

from __future__ import annotations

import os
from typing import Any

from detlite.runtime.errors import MissingToolError

QUIET = {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_ENABLE_ONEDNN_OPTS": "0",  # its kernels add in another order: same inputs must give the same bytes
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
            "TensorFlow is not installed, and conversion needs it: pip install 'detlite[convert]'"
        ) from error
    tensorflow.get_logger().setLevel("ERROR")
    return tensorflow
