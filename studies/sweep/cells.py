"""The cells of a plan: every combination of the axes' values that no rule excludes, each once."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError
from detlite.studies.store.entry import digest_of
from detlite.studies.sweep.axes import AXES, Value, normal
from detlite.studies.sweep.plan_file import PlanFile, Rule

MOST_CELLS = 100_000
"""A scheduler takes 6 kB for each stage, and a stage takes seconds: more cells are a mistake."""


@dataclass(frozen=True)
class Cell:
    """One combination.

    Attributes:
        key: 12 hex digits of the digest of its choices.
        label: the values of the axes that vary in the plan, for people.
        choices: the value of every axis.
    """

    key: str
    label: str
    choices: Mapping[str, Value]


def cells_of(plan: PlanFile) -> tuple[Cell, ...]:
    """Return the cells of *plan*, in the order of its axes.

    Raises:
        InputError: there are none, or more than `MOST_CELLS` combinations.
    """
    count = math.prod(map(len, plan.axes.values()))
    if count > MOST_CELLS:
        parts = " x ".join(f"{len(values)} {name}" for name, values in plan.axes.items() if len(values) > 1)
        raise InputError(f"{plan.path} has {counted(count, 'combination')} ({parts}): want at most {MOST_CELLS}")
    varying = [name for name, values in plan.axes.items() if len(values) > 1]
    found: dict[str, Cell] = {}
    for choices in _combinations(plan):
        whole = normal(choices)
        key = digest_of(whole)[:12]
        found.setdefault(key, Cell(key, _label(whole, varying), whole))
    if not found:
        raise InputError(
            f"{plan.path}: the matrix is empty: its exclude rules leave out all {counted(count, 'combination')}"
        )
    return tuple(found.values())


def cell_called(cells: Sequence[Cell], name: str) -> Cell:
    """Return the cell whose key begins with *name*, or whose label it is.

    Raises:
        InputError: there is none, or more than one.
    """
    found = [cell for cell in cells if cell.label == name] or [cell for cell in cells if cell.key.startswith(name)]
    if len(found) != 1:
        raise InputError(
            f"{counted(len(found), 'cell is', 'cells are')} called {name!r}: see the keys that `detlite sweep "
            "--dry-run` prints"
        )
    return found[0]


def _combinations(plan: PlanFile) -> Iterator[dict[str, Value]]:
    names = list(plan.axes)
    for values in itertools.product(*plan.axes.values()):
        choices = dict(zip(names, values, strict=True))
        if not any(_meets(choices, rule) for rule in plan.exclude):
            yield choices


def _meets(choices: Mapping[str, Value], rule: Rule) -> bool:
    return all(choices.get(name, AXES[name].default) in values for name, values in rule.items())


def _label(choices: Mapping[str, Value], varying: Sequence[str]) -> str:
    shown = [(name, choices[name]) for name in varying if choices[name] != AXES[name].default or name == "scheme"]
    parts = [str(value) if AXES[name].kind == "text" else f"{name}={value}" for name, value in shown]
    return " ".join(parts) or str(choices["model"])
