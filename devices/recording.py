"""Texts that programs of devices left: which format a text has, and what it says."""

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
    """One format that devices' programs write.

    Attributes:
        title: what it is, for people.
        recognize: whether a text looks like it.
        parse: what it says: a tuple of dataclasses. What is missing or cannot be read is named in their `problems`;
            a text that holds nothing of the format is an `InputError`.
    """

    title: str
    recognize: Callable[[str], bool]
    parse: Callable[[str], tuple[Any, ...]]


def format_names() -> tuple[str, ...]:
    """Return the names of all formats."""
    return plugin_names(PARSERS)


def format_called(name: str) -> Format:
    """Return the format that is called *name*.

    Raises:
        UnknownNameError: none is.
    """
    found: Format = load_plugin(PARSERS, name)
    return found


def formats_of(text: str) -> tuple[str, ...]:
    """Return the names of the formats that *text* looks like; a log can hold several."""
    return tuple(name for name, known in load_plugins(PARSERS).items() if known.recognize(text))


def read_recording(path: Path, name: str | None = None) -> dict[str, list[dict[str, Any]]]:
    """Return what the file at *path* says, by format: of the one called *name*, or of all that it looks like.

    Raises:
        InputError: it cannot be read, or is of no known format.
    """
    text = _text(path)
    names = (name,) if name is not None else formats_of(text)
    if not names:
        raise InputError(f"{path} is of no format that detlite reads; they are: {', '.join(format_names())}")
    return {one: [asdict(part) for part in format_called(one).parse(text)] for one in names}


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:  # a pipe or a device has no size that could be asked for before
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error
    if len(data) > MOST_BYTES:
        raise InputError(f"{path} has over {MOST_BYTES >> 20} MiB: no recording of a device has so many")
    return data.decode("utf-8", errors="replace")
