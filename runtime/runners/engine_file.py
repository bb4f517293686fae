"""The header of a TensorRT engine, which says the version that built it.

Source: `printPlanVersion` in trtexec's `sampleEngines.cpp`, for engines of TensorRT 8.6 and newer.
"""

from __future__ import annotations

from pathlib import Path
from typing import Optional, Tuple

TAG = b"ftrt"
FIRST_LAYOUT = bytes(4)
VERSION = slice(24, 28)


def plan_version(engine: Path) -> Optional[Tuple[int, ...]]:
    """Return the version of TensorRT that built *engine*, four numbers; None if the file does not say."""
    try:
        with engine.open("rb") as file:
            head = file.read(VERSION.stop)
    except OSError:
        return None
    known = head[:4] == TAG and head[4:8] == FIRST_LAYOUT and len(head) == VERSION.stop
    return tuple(head[VERSION]) if known else None
