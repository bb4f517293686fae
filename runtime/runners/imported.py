"""Measurements by another program, such as trtexec."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Callable, List, Mapping

from detlite.runtime.load import Load


@dataclass(frozen=True)
class Imported:
    """The measurements of another program.

    Attributes:
        runtime: the program, and its version if known.
        times: in ns, by stage and for `latency`, one value per query; `latency` is always present.
    """

    runtime: str
    times: Mapping[str, List[int]]


Measure = Callable[[Path, Load, Path], Imported]
"""`measure(model, load, folder)`: let a program measure *model* under *load*; it writes its files to *folder*."""
