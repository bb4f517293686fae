"""Conditions on the facts of records: `device=orin and latency_p90_ms<30`."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from detlite.runtime.errors import InputError, unknown_name

TERM = re.compile(r"([A-Za-z_]\w*)\s*(<=|>=|!=|=|<|>)\s*(\S(?:.*\S)?)")
SIGNS: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
WORDS: Mapping[str, bool] = {"true": True, "false": False}


@dataclass(frozen=True)
class Comparison:
    """One comparison of a fact with a text, a number, or `true` and `false`; a fact that is missing is never met."""

    name: str
    sign: str
    value: Any

    def holds(self, facts: Mapping[str, Any]) -> bool:
        """Return whether *facts* meet it."""
        got = facts.get(self.name)
        if got is None or isinstance(got, str) is not isinstance(self.value, str):
            return False
        return SIGNS[self.sign](got, self.value)

    def sql(self) -> tuple[str, tuple[object, ...]]:
        """Return it as SQL over the column `facts`, with its parameters."""
        kind = "('text')" if isinstance(self.value, str) else "('integer', 'real', 'true', 'false')"
        path = f"$.{self.name}"
        text = f"json_type(facts, ?) in {kind} and json_extract(facts, ?) {self.sign} ?"
        return text, (path, path, self.value)


@dataclass(frozen=True)
class Condition:
    """Comparisons that must all hold; without any, everything does."""

    comparisons: tuple[Comparison, ...] = ()

    def holds(self, facts: Mapping[str, Any]) -> bool:
        """Return whether *facts* meet all comparisons."""
        return all(one.holds(facts) for one in self.comparisons)

    def without(self, names: Iterable[str]) -> Condition:
        """Return the comparisons of other facts than *names*."""
        left_out = set(names)
        return Condition(tuple(one for one in self.comparisons if one.name not in left_out))

    def check_names(self, known: Iterable[str]) -> None:
        """Raise `UnknownNameError` for a fact that is not among the *known* ones; it suggests the nearest."""
        names = set(known)
        for one in self.comparisons:
            if one.name not in names:
                raise unknown_name("fact of a record", one.name, names)


ANY = Condition()
"""The condition that everything meets."""


def parse_condition(text: str) -> Condition:
    """Return the condition that *text* writes: `NAME SIGN VALUE`, joined by `and`.

    Raises:
        InputError: *text* is something else.
    """
    return Condition(tuple(_comparison(term.strip(), text) for term in re.split(r"\band\b", text) if text.strip()))


def _comparison(term: str, text: str) -> Comparison:
    found = TERM.fullmatch(term)
    if found is None:
        raise InputError(f"cannot read {term!r} in the condition {text!r}; want such as: device=orin and map>=20")
    name, sign, value = found.groups()
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
        return Comparison(name, sign, value[1:-1])
    return Comparison(name, sign, WORDS[value] if value in WORDS else _number(value))


def _number(text: str) -> str | float:
    try:
        return float(text) if re.fullmatch(r"[-+]?[\d.]+(e[-+]?\d+)?", text) else text
    except ValueError:
        return text
