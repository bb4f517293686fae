"""Which part of a model a delegate took."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Placement:
    """What a delegate took of a model.

    Attributes:
        delegate: its name, or the path of its library.
        taken: how many of the model's operators it took.
        operators: how many the model has.
        partitions: in how many pieces it took them.
    """

    delegate: str
    taken: int
    operators: int
    partitions: int
