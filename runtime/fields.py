"""Checks of the values in a contract's dataclasses: in JSON, any field may have any value."""

from __future__ import annotations

import dataclasses
from typing import Any, Mapping, Tuple

from detlite.runtime.errors import ContractError

TYPES: Mapping[str, Tuple[type, ...]] = {"str": (str,), "int": (int,), "float": (int, float), "bool": (bool,)}


def one_of(what: str, value: str, allowed: Tuple[str, ...]) -> None:
    """Raise ContractError if *value* is not one of the *allowed* ones; the error calls it *what*."""
    if value not in allowed:
        raise ContractError(f"{what} is {value!r}; it must be one of {', '.join(allowed)}")


def check_types(part: Any) -> None:
    """Raise ContractError if a plain field of the dataclass *part* has a value of another type than declared."""
    for item in dataclasses.fields(part):
        value, types = getattr(part, item.name), TYPES.get(str(item.type), (object,))
        if not isinstance(value, types) or (isinstance(value, bool) and int in types):
            raise ContractError(f"{item.name} is {value!r:.60}; want a value of type {item.type}")
