"""The line of each key of a TOML file, for messages: Python's parser reports lines only for errors."""

from __future__ import annotations

import re
from collections.abc import Iterator

from detlite.convert.files.strict_toml import parse_toml

Place = tuple[str, ...]
"""The way to a key: its tables, then the key; a table of an array has its number, from 0, after the array's name."""

TEXT = r"\"(?:\\.|[^\"\\\n])*\"|'[^'\n]*'"
LONG_TEXT = r"\"\"\"(?:\\.|[^\\])*?\"{3,5}|'''.*?'{3,5}"
TOKEN = re.compile(rf"{LONG_TEXT}|{TEXT}|#[^\n]*|[\[\]{{}}\n]", re.DOTALL)
PART = re.compile(rf"[\w-]+|{TEXT}")
NAME = rf"(?:{PART.pattern})(?:[ \t]*\.[ \t]*(?:{PART.pattern}))*"
HEADER = re.compile(rf"\s*(\[\[?)\s*({NAME})\s*\]")
KEY = re.compile(rf"\s*({NAME})\s*=")


def lines_of(text: str) -> dict[Place, int]:
    """Return the line, from 1, of each key and each table of *text*, valid TOML; keys of inline tables are left out."""
    found: dict[Place, int] = {}
    counts: dict[Place, int] = {}
    table: Place = ()
    for number, statement in _statements(text):
        if header := HEADER.match(statement):
            place = table = _table(_parts(header[2]), counts, is_array=header[1] == "[[")
        elif key := KEY.match(statement):
            place = (*table, *_parts(key[1]))
        else:
            continue
        for length in range(1, len(place)):
            found.setdefault(place[:length], number)
        found[place] = number
    return found


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Yield the headers, the keys with their values, and the comments of *text*, each with the line where it begins."""
    begin, number, depth = 0, 1, 0
    for token in TOKEN.finditer(text):
        if token[0] in ("[", "{"):
            depth += 1
        elif token[0] in ("]", "}"):
            depth -= 1
        elif token[0] == "\n" and not depth:
            yield number, text[begin : token.start()]
            number += text.count("\n", begin, token.end())
            begin = token.end()
    yield number, text[begin:]


def _parts(name: str) -> Place:
    """Return the parts of a dotted *name*, without their quotes."""
    return tuple(parse_toml(f"x = {part}".encode())["x"] if part[0] in "\"'" else part for part in PART.findall(name))


def _table(parts: Place, counts: dict[Place, int], *, is_array: bool) -> Place:
    """Return the place of the table that a header names; *counts* has the last number of each array so far."""
    place: Place = ()
    for index, part in enumerate(parts, 1):
        place = (*place, part)
        if is_array and index == len(parts):
            counts[place] = counts.get(place, -1) + 1
        if place in counts:
            place = (*place, str(counts[place]))
    return place
