"""Conversion of frozen dataclasses to plain JSON records and back, with every value checked.

Result types build their `to_record` and `from_record` on these, in one line each.
"""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import (
    Any,
    Callable,
    Dict,
    Mapping,
    Sequence,
    Tuple,
    Type,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from detlite.runtime.errors import InputError

Record = Dict[str, Any]
T = TypeVar("T")

LARGEST = 1e18
"""In any unit: no measurement gives a larger number."""

MOST_SHOWN = 40  # characters of a wrong value in an error


def to_record(value: Any) -> Any:
    """Return *value* in JSON's types: dataclasses and mappings become dicts, tuples become lists."""
    if dataclasses.is_dataclass(value):
        return {field.name: to_record(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): to_record(part) for key, part in value.items()}
    if isinstance(value, (tuple, list)):
        if value and all(type(part) in (int, float) for part in value):
            return list(value)  # samples: there may be a million
        return [to_record(part) for part in value]
    return str(value) if isinstance(value, Path) else value


def from_record(kind: Type[T], record: object, place: str = "") -> T:
    """Return the dataclass *kind* that *record* describes; keys without a field in *kind* are ignored.

    Args:
        kind: its fields may be numbers, texts, truth values, tuples, mappings, dataclasses, `Any`, or optional.
        record: the result of `to_record`, read back from JSON.
        place: the path to *record* in the whole, for errors.

    Raises:
        InputError: a key is missing, or a value has the wrong type; the text begins with its place.
    """
    if not isinstance(record, Mapping):
        raise _wrong(place or "the record", record, "an object")
    hints, values = get_type_hints(kind), {}
    for field in dataclasses.fields(kind):  # type: ignore[arg-type]  # *kind* is a dataclass
        where = f"{place}.{field.name}" if place else field.name
        if field.name in record:
            values[field.name] = _read(hints[field.name], record[field.name], where)
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise InputError(f"it lacks {where}")
    return kind(**values)


def _read(kind: Any, value: object, place: str) -> Any:
    """Return *value* as the type *kind*."""
    if kind is Any or kind is object:
        return value
    if dataclasses.is_dataclass(kind):
        return from_record(kind, value, place)  # type: ignore[arg-type]  # a dataclass is a type here
    if kind in _PLAIN:
        return _PLAIN[kind](value, place)
    origin, parts = get_origin(kind), get_args(kind)
    if origin is tuple:
        return _read_tuple(parts, value, place)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        if not isinstance(value, Mapping):
            raise _wrong(place, value, "an object")
        return {key: _read(parts[1], part, f"{place}.{key}") for key, part in value.items()}
    if _is_optional(kind):
        return None if value is None else _read(next(part for part in parts if part is not type(None)), value, place)
    raise TypeError(f"{place}: no record is read as {kind}")


def _read_tuple(parts: Sequence[Any], value: object, place: str) -> Tuple[Any, ...]:
    if not isinstance(value, (list, tuple)):
        raise _wrong(place, value, "a list")
    if len(parts) == 2 and parts[1] is Ellipsis:
        return tuple(_read(parts[0], part, f"{place}[{number}]") for number, part in enumerate(value))
    if len(value) != len(parts):
        raise _wrong(place, value, f"a list of {len(parts)}")
    return tuple(_read(kind, part, f"{place}[{number}]") for number, (kind, part) in enumerate(zip(parts, value)))


def _is_optional(kind: Any) -> bool:
    """Return whether *kind* is a union of None and one other type, in either notation."""
    origin, parts = get_origin(kind), get_args(kind)
    is_union = origin is Union or (sys.version_info >= (3, 10) and type(kind).__name__ == "UnionType")
    return is_union and len(parts) == 2 and type(None) in parts


def _read_float(value: object, place: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) <= LARGEST:
        raise _wrong(place, value, "a number")
    return float(value)


def _read_int(value: object, place: str) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) <= LARGEST:
        raise _wrong(place, value, "a whole number")
    if isinstance(value, float) and not value.is_integer():
        raise _wrong(place, value, "a whole number")
    return int(value)


def _read_text(value: object, place: str) -> str:
    if not isinstance(value, str):
        raise _wrong(place, value, "a text")
    return value


def _read_truth(value: object, place: str) -> bool:
    if not isinstance(value, bool):
        raise _wrong(place, value, "true or false")
    return value


_PLAIN: Mapping[Any, Callable[[object, str], Any]] = {
    float: _read_float,
    int: _read_int,
    str: _read_text,
    bool: _read_truth,
    Path: lambda value, place: Path(_read_text(value, place)),
}


def _wrong(place: str, value: object, wanted: str) -> InputError:
    return InputError(f"{place} holds {str(value)[:MOST_SHOWN]!r}, want {wanted}")
