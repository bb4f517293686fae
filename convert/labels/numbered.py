"""Label files that number their names: JSON, tables (.csv), and lines such as `0  person` of Coral's lists."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError
from detlite.runtime.strict_json import parse_json

GAP = "???"
MAX_CLASSES = 10_000

NUMBERED = re.compile(r"(\d{1,5})(?:\s*[:,;\t]\s*|\s+)(\S.*)")
NAMES, NUMBERS = (
    ("display_name", "displayname", "name", "label", "class", "class_name"),
    ("id", "index", "number", "class_id"),
)
"""Keys of a name and of its number in JSON, and titles of their columns in a table, the first that is there."""

MID = re.compile(r"/[a-z]/\w+")
"""An identifier of Open Images, such as /m/01g317."""


def with_gaps(pairs: Iterable[tuple[int, str]], path: Path) -> tuple[str, ...]:
    """Return the names of *pairs* (number, name) in order, `GAP` where a number has none.

    They count from 0 if that is one of them, else from 1.

    Raises:
        InputError: two have the same number, or one is too large.
    """
    names: dict[int, str] = {}
    for number, name in pairs:
        if number in names:
            raise InputError(f"{path}: two labels have the number {number}")
        if number > MAX_CLASSES:
            raise InputError(f"{path}: the number of {name!r} is {number}; want at most {MAX_CLASSES}")
        names[number] = name.strip() or GAP
    return tuple(names.get(number, GAP) for number in range(int(0 not in names), max(names) + 1))


def json_labels(text: str, path: Path) -> tuple[str, ...]:
    """Return the labels in the JSON *text*: a list of names, names by number, or COCO's categories.

    Raises:
        InputError: it is none of these.
    """
    try:
        value = parse_json(text)
    except InputError as error:
        raise InputError(f"{path} is not whole JSON: {error}") from error
    value = value.get("categories", value) if isinstance(value, dict) else value
    if isinstance(value, list) and value and all(isinstance(one, str) for one in value):
        return tuple(value)
    numbered = _of_objects(value) if isinstance(value, list) else _of_keys(value)
    if not numbered:
        raise InputError(f"{path} holds no labels: want a list of names, names by number, or objects with id and name")
    return with_gaps(numbered, path)


def _of_objects(value: Sequence[Any]) -> list[tuple[int, str]]:
    objects = [one for one in value if isinstance(one, dict)]
    found = [(_first(one, NUMBERS), _first(one, NAMES)) for one in objects]
    pairs = [(number, name) for number, name in found if type(number) is int and isinstance(name, str)]
    return pairs if len(pairs) == len(value) else []


def _of_keys(value: Any) -> list[tuple[int, str]]:
    items = list(value.items()) if isinstance(value, dict) else []
    pairs = [(int(key), name) for key, name in items if re.fullmatch(r"\d{1,5}", key) and isinstance(name, str)]
    return pairs if len(pairs) == len(items) else []


def _first(record: Mapping[str, Any], keys: Sequence[str]) -> Any:
    return next((record[key] for key in keys if key in record), None)


def table_labels(text: str, path: Path) -> tuple[str, ...]:
    """Return the labels in the table *text*, comma-separated, with or without a line of titles.

    Raises:
        InputError: nothing says which column has the names.
    """
    try:
        rows = [row for row in csv.reader(text.splitlines()) if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise InputError(f"{path} is no table: {error}") from error
    rows = [[cell.strip() for cell in row] for row in rows]
    titles = [title.lower() for title in rows[0]] if rows else []
    if name := next((title for title in NAMES if title in titles), None):
        number = next((title for title in NUMBERS if title in titles), None)
        columns = titles.index(name), None if number is None else titles.index(number)
        rows = rows[1:]
    elif rows and all(len(row) == 2 and row[0].isdecimal() for row in rows):
        columns = 1, 0
    elif rows and all(len(row) == 2 and MID.fullmatch(row[0]) for row in rows):
        columns = 1, None
    elif rows and all(len(row) == 1 for row in rows):
        columns = 0, None
    else:
        raise InputError(f"{path}: nothing says which column has the labels: give it the title name")
    return _of_columns(rows, columns, path)


def _of_columns(rows: Sequence[Sequence[str]], columns: tuple[int, int | None], path: Path) -> tuple[str, ...]:
    at, numbers = columns
    if not rows or any(len(row) <= max(at, numbers or 0) for row in rows):
        raise InputError(f"{path} has {counted(len(rows), 'row')} of labels, or a row that is cut short")
    if numbers is None:
        return tuple(row[at] for row in rows)
    if not all(row[numbers].isdecimal() for row in rows):
        raise InputError(f"{path}: the number of a label is not a whole number")
    return with_gaps([(int(row[numbers]), row[at]) for row in rows], path)


def numbered_lines(lines: Sequence[str], path: Path) -> tuple[str, ...] | None:
    """Return the labels of *lines* that all begin with their number, as Coral's do; None if they do not.

    Numbers grow from 0 or 1 on, and no name comes twice, unlike in `1 cent`, `2 cent`.
    """
    matches = [NUMBERED.fullmatch(line) for line in lines if line]
    pairs = [(int(match[1]), match[2]) for match in matches if match is not None]
    grows = all(first[0] < second[0] for first, second in pairwise(pairs))
    is_distinct = len({name for _number, name in pairs}) == len(pairs)
    if len(pairs) < max(len(matches), 2) or not grows or pairs[0][0] > 1 or not is_distinct:
        return None
    return with_gaps(pairs, path)
