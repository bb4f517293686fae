"""The oldest runtime that runs a model, according to its converter."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from detlite.convert.tflite.tensors import text_of

ENTRY = "min_runtime_version"
VERSION = re.compile(rb"\d{1,4}(\.\d{1,4}){1,3}")


def stated_runtime_version(model: Any) -> str:
    """Return the version in the model's metadata, such as `2.5.0`; empty if there is none."""
    for item in model.metadata:
        if text_of(item.name) == ENTRY and (data := model.buffers[item.buffer].data) is not None:
            found = VERSION.match(bytes(np.asarray(data, np.uint8)[:32]))  # padded with zeros to 16
            return "" if found is None else found[0].decode()
    return ""
