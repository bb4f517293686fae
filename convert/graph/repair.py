"""Graph repairs: changes that preserve what a graph computes and make it convert and run better."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Repair:
    """One kind of repair; its name is the name of its file in `convert/graph/repairs/`.

    Attributes:
        title: what it does, in one line.
        why: what goes wrong without it, with the source.
        apply: changes a trimmed `GraphDef` with fixed shapes in place and returns the number of changes.
    """

    title: str
    why: str
    apply: Callable[[Any], int]


@dataclass(frozen=True)
class Repaired:
    """A repair that changed a graph, and the number of changes."""

    name: str
    title: str
    count: int
