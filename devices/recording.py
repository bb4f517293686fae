"""Recorded output of devices' programs: recognizing its format, and parsing it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from detlite.runtime.errors import InputError
from detlite.runtime.plugins import load_plugin, load_plugins, plugin_names

PARSERS = "detlite.devices.parsers"
MOST_BYTES = 1 << 28


@dataclass(frozen=True)
class Format:
    """One output format of a device's program.

    Attributes:
        title: what it is, for people.
        recognize: returns whether a text looks like this format.
        parse: returns a tuple of dataclasses, whose `problems` name what is missing or unreadable;
            raises `InputError` if the text holds nothing in this format.
    """

    title: str
    recognize: Callable[[str], bool]
    parse: Callable[[str], tuple[Any, ...]]


def format_names() -> tuple[str, ...]:
    """Return the names of all formats."""
    return plugin_names(PARSERS)


def format_called(name: str) -> Format:
    """Return the format *name*.

    Raises:
        UnknownNameError: there is no such format.
    """
    found: Format = load_plugin(PARSERS, name)
    return found


def formats_of(text: str) -> tuple[str, ...]:
    """Return the names of the formats that *text* may hold; a log can hold several."""
    return tuple(name for name, known in load_plugins(PARSERS).items() if known.recognize(text))


def read_recording(path: Path, name: str | None = None) -> dict[str, list[dict[str, Any]]]:
    """Return the parsed file at *path* by format: the format *name*, or all that it may hold.

    Raises:
        InputError: it cannot be read, or has no known format.
    """
    text = _text(path)
    names = (name,) if name is not None else formats_of(text)
    if not names:
        raise InputError(f"{path} has no format that detlite reads; known formats: {', '.join(format_names())}")
    return {one: [asdict(part) for part in format_called(one).parse(text)] for one in names}


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:  # a pipe or a device has no size to check first
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error
    if len(data) > MOST_BYTES:
        raise InputError(f"{path} is over {MOST_BYTES >> 20} MiB: too large for a recording of a device")
    return data.decode("utf-8", errors="replace")
