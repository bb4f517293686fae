"""Which part of a model a delegate took."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Placement:
    """The operators of a model that a delegate took.

    Attributes:
        delegate: its name, or the path of its library.
        taken: number of the model's operators that it took.
        operators: number of the model's operators.
        partitions: number of parts in which it took them.
    """

    delegate: str
    taken: int
    operators: int
    partitions: int
