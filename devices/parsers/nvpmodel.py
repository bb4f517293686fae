"""NVIDIA's `nvpmodel -q`: the power mode of a Jetson."""

from __future__ import annotations

import re
from dataclasses import dataclass

from detlite.devices.log_lines import ended, whole
from detlite.devices.recording import Format
from detlite.runtime.errors import InputError

MODE = re.compile(r"^NV Power Mode:[ \t]*(\S[^\r\n]*?)[ \t\r]*$", re.M)
NUMBER = re.compile(r"^[ \t]*(\d+)[ \t\r]*$", re.M)
ERROR = re.compile(r"^NVPM ERROR: *(.+)$", re.M)


@dataclass(frozen=True)
class PowerMode:
    """The power mode: its name, and its number in the board's configuration."""

    name: str
    number: int | None
    problems: tuple[str, ...] = ()


def parse(text: str) -> tuple[PowerMode]:
    """Return the power mode that *text* states.

    Raises:
        InputError: there is none.
    """
    mode = MODE.search(text)
    if mode is None:
        said = ERROR.search(text)
        why = f"; it says: {said[1].strip()[:200]}" if said else ""
        raise InputError(f"found no power mode of nvpmodel: expected `NV Power Mode: NAME` and its number{why}")
    rest, problems = ended(text[mode.end() :])
    number = NUMBER.search(rest)
    problems += () if number else ("the mode's number is missing",)
    return (PowerMode(mode[1], whole(number[1]) if number else None, problems),)


PLUGIN = Format(
    title="NVIDIA's nvpmodel",
    recognize=lambda text: bool(MODE.search(text)),
    parse=parse,
)
