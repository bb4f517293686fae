"""The lines of the keys of a TOML file, for messages: Python's parser does not report those of valid keys."""

from __future__ import annotations

import re
from collections.abc import Iterator

Place = tuple[str, ...]
"""The way to a key: its tables, then the key; a table of an array has its number, from 0, after the array's name."""

HEADER = re.compile(r"\s*(\[\[?)\s*([^\[\]]+?)\s*\]\]?\s*(#.*)?$")
KEY = re.compile(r"\s*([\w-]+|\"[^\"]*\"|'[^']*')\s*=")


def lines_of(text: str) -> dict[Place, int]:
    """Return the line, from 1, of each key and each table of *text*."""
    return dict(_lines(text))


def _lines(text: str) -> Iterator[tuple[Place, int]]:
    table: Place = ()
    counts: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if header := HEADER.match(line):
            name = header[2]
            table = tuple(part.strip().strip("\"'") for part in name.split("."))
            if header[1] == "[[":
                counts[name] = counts.get(name, -1) + 1
                if counts[name] == 0:
                    yield table, number
                table = (*table, str(counts[name]))
            yield table, number
        elif key := KEY.match(line):
            yield (*table, key[1].strip("\"'")), number
