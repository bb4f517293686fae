"""Expected figures of a study, as a TOML file: a regression gate for a continuous integration.

::

    [[expect]]
    where = "model=ssdlite and device=host"   # which cells
    map = { min = 21.0 }                      # a figure and its bounds, either or both
    latency_p90_ms = { max = 30.0 }
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from detlite.convert.files.strict_toml import parse_toml
from detlite.convert.files.toml_lines import Place, lines_of
from detlite.runtime.errors import InputError, unknown_name
from detlite.runtime.limited_file import read_limited
from detlite.studies.pareto.rows import CellRow
from detlite.studies.store.condition import Condition, parse_condition

MOST_BYTES = 1 << 20
BOUNDS = ("min", "max")


@dataclass(frozen=True)
class Expectation:
    """One figure of the cells that meet *where*: at least *least* and at most *most*; *line* is its place."""

    where: Condition
    name: str
    least: float | None
    most: float | None
    line: str


def read_expectations(path: Path) -> tuple[Expectation, ...]:
    """Return the expectations in the file *path*.

    Raises:
        InputError: it cannot be read, is not TOML, has an unknown key or a wrong value, or expects nothing.
    """
    data = read_limited(path, "a file of expectations", MOST_BYTES)
    try:
        table = parse_toml(data)
    except InputError as error:
        raise InputError(f"{path} is not valid TOML: {error}") from error
    lines = lines_of(data.decode("utf-8-sig"))
    for key in table:
        if key != "expect":
            raise _at(path, lines.get((key,)), unknown_name("key of the expectations", key, ("expect",)))
    rules = table.get("expect", [])
    if not isinstance(rules, list) or not rules or not all(isinstance(rule, dict) for rule in rules):
        raise InputError(f"{path} expects nothing: write [[expect]], a where, and figures with their bounds")
    return tuple(one for number, rule in enumerate(rules) for one in _of_rule(path, lines, number, rule))


def _of_rule(path: Path, lines: Mapping[Place, int], number: int, rule: Mapping[str, Any]) -> Iterator[Expectation]:
    place = ("expect", str(number))
    try:
        where = parse_condition(str(rule.get("where", "")))
    except InputError as error:
        raise _at(path, lines.get((*place, "where")), error) from error
    figures = [name for name in rule if name != "where"]
    if not figures:
        raise _at(path, lines.get(place), InputError("no figure is expected: give one, such as map = { min = 20 }"))
    for name in figures:
        line = lines.get((*place, name))
        least, most = _bounds(path, line, name, rule[name])
        yield Expectation(where, name, least, most, f"{path}, line {line}" if line else str(path))


def missed(expectations: Sequence[Expectation], rows: Sequence[CellRow]) -> Iterator[str]:
    """Yield a sentence for each expectation that a cell of *rows* does not keep, or that is about no cell.

    Raises:
        UnknownNameError: a fact is named that no cell has.
    """
    known = {name for row in rows for name in row.facts}
    for one in expectations:
        one.where.check_names(known)
        chosen = [row for row in rows if one.where.holds(row.facts)]
        if not chosen:
            yield f"{one.line}: no cell meets the condition"
        for row in chosen:
            text = _miss(one, row)
            if text is not None:
                yield f"{one.line}: {row.label}: {text}"


def _miss(one: Expectation, row: CellRow) -> str | None:
    value = row.facts.get(one.name)
    if row.failure:
        return f"{one.name} is not there: {row.failure}"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return f"{one.name} is not there"
    if row.reasons and one.name in row.measured:
        return f"{one.name} is {value:.4g}, and the measurement is INVALID: {row.reasons[0]}"
    if one.least is not None and value < one.least:
        return f"{one.name} is {value:.4g}; want at least {one.least:g}"
    if one.most is not None and value > one.most:
        return f"{one.name} is {value:.4g}; want at most {one.most:g}"
    return None


def _bounds(path: Path, line: int | None, name: str, given: Any) -> tuple[float | None, float | None]:
    if not isinstance(given, Mapping) or not given:
        raise _at(path, line, InputError(f"{name} is {given!r:.60}; want bounds, such as {{ min = 20, max = 22 }}"))
    for key, value in given.items():
        if key not in BOUNDS:
            raise _at(path, line, unknown_name("bound", key, BOUNDS))
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise _at(path, line, InputError(f"{name}: {key} is {value!r:.60}; want a number"))
    least, most = given.get("min"), given.get("max")
    if least is not None and most is not None and least > most:
        raise _at(path, line, InputError(f"{name}: min {least:g} is over max {most:g}"))
    return least, most


def _at(path: Path, line: int | None, error: InputError) -> InputError:
    return type(error)(f"{path}{f', line {line}' if line else ''}: {error}")
