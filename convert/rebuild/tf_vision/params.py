"""Typed access to the values of a params.yaml; every key of a model is accounted for."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from detlite.runtime.errors import InputError

LONGEST_SHOWN = 40
MAX_INTEGER = 2**31 - 1


@dataclass
class Missing:
    """The keys that a file leaves to its experiment, which nobody named: collected to be told at once."""

    experiment: str | None
    keys: list[str] = field(default_factory=list)


class Params:
    """The values of one mapping in a params.yaml; each is read, ignored or, by `finish`, refused.

    Args:
        values: the values, over those of the experiment where one is named.
        path: the path of the mapping in the file: `task.model`.
        file: the name of the file, for errors.
        missing: collects keys that the file lacks and that experiments set differently.
    """

    def __init__(self, values: Mapping[str, Any], path: str, file: str, missing: Missing) -> None:
        self._values = values
        self._path = path
        self._file = file
        self._missing = missing
        self._known: set[str] = set()

    @property
    def path(self) -> str:
        """The path of the mapping in the file."""
        return self._path

    @property
    def file(self) -> str:
        """The name of the file."""
        return self._file

    def where(self, name: str) -> str:
        """Return the start of an error: the file, and the path of the key *name*."""
        return f"{self._file}: {self._at(name)}"

    def has(self, name: str) -> bool:
        """Return whether the key *name* has a value."""
        return self._values.get(name) is not None

    def needs(self, *names: str) -> None:
        """Say that experiments set the keys *names* differently: one that the file lacks is missing without one."""
        absent = (name for name in names if name not in self._values)
        if self._missing.experiment is None:
            self._missing.keys.extend(self._at(name) for name in absent)

    def integer(self, name: str, default: int, *, low: int = 0, high: int = MAX_INTEGER) -> int:
        """Return an integer from *low* to *high*."""
        value = self._one(name, default)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise self._unfit(name, value, f"an integer from {low} to {high}")
        return value

    def real(self, name: str, default: float, *, low: float = 0.0, high: float = math.inf) -> float:
        """Return a number from *low* to *high*."""
        value = self._one(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise self._unfit(name, value, f"a number from {low:g} to {high:g}")
        return float(value)

    def flag(self, name: str, default: bool) -> bool:
        """Return a boolean."""
        value = self._one(name, default)
        if not isinstance(value, bool):
            raise self._unfit(name, value, "true or false")
        return value

    def text(self, name: str, default: str) -> str:
        """Return a text."""
        value = self._one(name, default)
        if not isinstance(value, str):
            raise self._unfit(name, value, "a name")
        return value

    def choice(self, name: str, default: str, among: Sequence[str]) -> str:
        """Return one of the texts *among*."""
        value = self._one(name, default)
        value = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
        if value not in among:
            raise self._unfit(name, value, f"one of {', '.join(among)}")
        return str(value)

    def integers(self, name: str, default: Sequence[int]) -> tuple[int, ...]:
        """Return a list of integers above 0; empty for null."""
        value = self._one(name, list(default))
        value = [] if value is None else value
        if not isinstance(value, list) or not all(type(one) is int and one > 0 for one in value):
            raise self._unfit(name, value, "a list of integers above 0")
        return tuple(value)

    def reals(self, name: str, default: Sequence[float]) -> tuple[float, ...]:
        """Return a list of finite numbers above 0; empty for null."""
        value = self._one(name, list(default))
        value = [] if value is None else value
        if not isinstance(value, list) or not all(type(one) in (int, float) and 0 < one < math.inf for one in value):
            raise self._unfit(name, value, "a list of numbers above 0")
        return tuple(float(one) for one in value)

    def listed(self, name: str) -> list[Any]:
        """Return a list of any values; empty for null and for a missing key."""
        value = self._one(name, None)
        if value is not None and not isinstance(value, list):
            raise self._unfit(name, value, "a list")
        return value or []

    def sections(self, name: str) -> list[Params]:
        """Return the mappings in the list *name*; empty if it is missing or null."""
        found = self.listed(name)
        if not all(isinstance(one, dict) for one in found):
            raise self._unfit(name, found, "a list of mappings")
        places = ((f"{self._at(name)}[{number}]", one) for number, one in enumerate(found))
        return [Params(one, place, self._file, self._missing) for place, one in places]

    def inside(self, name: str) -> Params:
        """Return the mapping *name*; an empty one if it is missing or null."""
        value = self._one(name, {})
        if value is not None and not isinstance(value, dict):
            raise self._unfit(name, value, "a mapping")
        return Params(value or {}, self._at(name), self._file, self._missing)

    def one_of(self, name: str, default: str, alternatives: Sequence[str]) -> tuple[str, Params]:
        """Return the `type` of a mapping of alternatives, and the mapping of that name in it.

        Args:
            name: the key of the mapping.
            default: the type where it has none.
            alternatives: the types that TF-Vision has; mappings of those that are not chosen play no part.

        Raises:
            InputError: the type is no text, or a key is none of these.
        """
        section = self.inside(name)
        kind = section._one("type", default)
        if not isinstance(kind, str):
            raise section._unfit("type", kind, "a name")
        chosen = section.inside(kind)
        section.ignore(*alternatives)
        section.finish()
        return kind, chosen

    def ignore(self, *names: str) -> None:
        """Accept the keys *names*: they have no effect on a trained network."""
        self._known.update(names)

    def only(self, name: str, value: Any, because: str) -> None:
        """Refuse any other *value* of the key *name*; a missing key or null passes.

        Raises:
            InputError: it has another value; *because* says why that is refused.
        """
        found = self._one(name, value)
        if found is not None and found != value:
            raise InputError(f"{self.where(name)} is {_shown(found)}: {because}")

    def finish(self) -> None:
        """Refuse keys that nobody asked for.

        Raises:
            InputError: there is one; the message has its path, and a similar key.
        """
        for name in self._values:
            if name not in self._known:
                similar = difflib.get_close_matches(name, self._known, 1)
                hint = f"; is {similar[0]} meant?" if similar else "; TF-Vision 2.20 has no such key here"
                raise InputError(f"{self.where(name[:LONGEST_SHOWN])} is not known{hint}")

    def _at(self, name: str) -> str:
        return f"{self._path}.{name}" if self._path else name

    def _one(self, name: str, default: Any) -> Any:
        self._known.add(name)
        return self._values.get(name, default)

    def _unfit(self, name: str, value: Any, wanted: str) -> InputError:
        return InputError(f"{self.where(name)} is {_shown(value)}; want {wanted}")


def _shown(value: Any) -> str:
    text = "null" if value is None else str(value)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}..."


def merged(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Return *under* with the values of *over* in its place; mappings are merged, anything else is replaced."""
    result = dict(under)
    for name, value in over.items():
        before = result.get(name)
        result[name] = merged(before, value) if isinstance(before, dict) and isinstance(value, dict) else value
    return result
