"""Fixes: changes to a .tflite that make more of it map; one file each in `convert/targets/edgetpu/fixes/`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from detlite.convert.targets.edgetpu.graph import Graph
from detlite.runtime.contract import Contract
from detlite.runtime.plugins import load_plugins

FOLDER = "detlite.convert.targets.edgetpu.fixes"

Fidelity = Literal["exact", "rounding", "changed"]


@dataclass(frozen=True)
class Place:
    """One place that a fix changes: these operators are replaced by others between the same tensors.

    Attributes:
        operators: the indices of the current operators in the file.
        inputs: tensors that they read and others make, by index.
        outputs: tensors that others read.
    """

    operators: tuple[int, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class FixInput:
    """A .tflite file, and its contract if it has one."""

    data: bytes
    contract: Contract | None


@dataclass(frozen=True)
class Fix:
    """One kind of fix; its name is its file's name.

    Attributes:
        title: what it does, in one line.
        why: the problem that it solves, with its source.
        fidelity: `exact`: the same values; `rounding`: at each place, at most one step of the output's scale;
            `changed`: a different function or different outputs, applied only by name.
        find: returns the places to change.
        apply: returns the model with these places changed; remaining tensors keep their names.
    """

    title: str
    why: str
    fidelity: Fidelity
    find: Callable[[Graph], tuple[Place, ...]]
    apply: Callable[[FixInput, tuple[Place, ...]], FixInput]


@dataclass(frozen=True)
class Offer:
    """A fix that would change *count* places of a model."""

    name: str
    title: str
    count: int


def offered(graph: Graph) -> tuple[Offer, ...]:
    """Return the fixes that would change something in *graph*."""
    found = ((name, fix, len(fix.find(graph))) for name, fix in load_plugins(FOLDER).items())
    return tuple(Offer(name, fix.title, count) for name, fix, count in found if count)
