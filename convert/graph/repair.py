"""Named graph repairs: changes that keep what a graph computes and let the converter and the accelerator take it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Repair:
    """One kind of repair; its name is its file's name in `convert/repairs/`.

    Attributes:
        title: what it does, in one line.
        why: what goes wrong without it, with its source.
        apply: changes a trimmed `GraphDef` of fixed shapes in place and returns how often.
    """

    title: str
    why: str
    apply: Callable[[Any], int]


@dataclass(frozen=True)
class Repaired:
    """What one repair did to one graph."""

    name: str
    title: str
    count: int
