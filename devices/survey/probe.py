"""Run by the device's own Python: lists its interpreters. It imports little, since a slow board waits for it."""

import ctypes
import importlib.util
import json
import os
import sys
from typing import Dict  # noqa: UP035 - a board's Python is 3.9 or newer, and may be older

MODULES = ("numpy", "ai_edge_litert", "tflite_runtime", "tensorflow", "onnxruntime", "tensorrt")
METADATA = (".dist-info", ".egg-info")


def versions() -> Dict[str, str]:  # noqa: UP006 - as above
    """Return the versions of the relevant installed packages, from the names of their metadata folders."""
    found: Dict[str, str] = {}  # noqa: UP006 - as above
    for folder in sys.path:
        names = os.listdir(folder or ".") if os.path.isdir(folder or ".") else []  # noqa: PTH112, PTH208 - light
        for name in names:
            stem, ending = os.path.splitext(name)  # noqa: PTH122 - light
            package, _dash, version = stem.partition("-")
            if ending in METADATA and package.lower().replace("-", "_") in MODULES:
                found.setdefault(package.lower().replace("_", "-"), version.split("-")[0])
    return found


def edgetpu() -> Dict[str, str]:  # noqa: UP006 - as above
    """Return the version of the Edge TPU's library, or why it cannot be loaded."""
    try:
        library = ctypes.CDLL("libedgetpu.so.1")
    except OSError as error:
        return {"error": str(error)[:200]}
    if not hasattr(library, "edgetpu_version"):
        return {"error": "it has no function edgetpu_version: another library of that name"}
    library.edgetpu_version.restype = ctypes.c_char_p
    return {"version": (library.edgetpu_version() or b"").decode(errors="replace")}


sys.stdout.write(
    json.dumps(
        {
            "python": "{}.{}.{}".format(*sys.version_info[:3]),
            "bits": 64 if sys.maxsize > 1 << 32 else 32,
            "modules": [name for name in MODULES if importlib.util.find_spec(name)],
            "versions": versions(),
            "libedgetpu": edgetpu(),
        }
    )
    + "\n"
)
