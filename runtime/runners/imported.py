"""What a program brings that measures by itself, such as trtexec."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Callable, List, Mapping

from detlite.runtime.load import Load


@dataclass(frozen=True)
class Imported:
    """What another program measured.

    Attributes:
        runtime: the program, and its version where that is known.
        times: ns by stage and `latency`, one value a query; `latency` is always there.
    """

    runtime: str
    times: Mapping[str, List[int]]


Measure = Callable[[Path, Load, Path], Imported]
"""`measure(model, load, folder)`: have *model* measured as *load* asks; what the program writes goes to *folder*."""
