"""The header of a TensorRT engine, which says what built it.

Source: `printPlanVersion` in trtexec's `sampleEngines.cpp`, for engines of TensorRT 8.6 and newer; those of TensorRT
for RTX 1.7 have another tag and the same layout.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple, Optional, Tuple

TITLES = {b"ftrt": "TensorRT", b"vtrt": "TensorRT for RTX"}
"""What writes engines, by the first four bytes."""

FIRST_LAYOUT = bytes(4)
VERSION = slice(24, 28)


class EngineBuilder(NamedTuple):
    """What built an engine: TensorRT or one of its relatives, and the four numbers of its version."""

    title: str
    version: Tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.title} {'.'.join(map(str, self.version))}"


def builder_of(engine: Path) -> Optional[EngineBuilder]:
    """Return what built *engine*; None if the file does not say."""
    try:
        with engine.open("rb") as file:
            head = file.read(VERSION.stop)
    except OSError:
        return None
    tag = head[:4]
    if tag not in TITLES or head[4:8] != FIRST_LAYOUT or len(head) != VERSION.stop:
        return None
    return EngineBuilder(TITLES[tag], tuple(head[VERSION]))
