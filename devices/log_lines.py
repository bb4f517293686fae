"""Lines and numbers in programs' logs: prefixes removed, absurd numbers rejected."""

from __future__ import annotations

import math
import re

PREFIX = re.compile(
    r"(?:\d\d-\d\d +\d\d:\d\d:\d\d\.\d+ +\d+ +\d+ +[VDIWEF] +[^:]{1,60}: ?"  # logcat, threadtime
    r"|\d+\.\d+ +(?:\d+ +){2,3}[VDIWEF] +[^:]{1,60}: ?"  # logcat, epoch
    r"|[VDIWEF]/[^:]{1,60}: ?"  # logcat, brief
    r"|\[\d\d/\d\d/\d{4}-\d\d:\d\d:\d\d\] ?)"  # trtexec
)
LEVEL = re.compile(r"(?:INFO|WARNING|ERROR|VERBOSE): ")
MOST_DIGITS = 18


def plain_lines(text: str) -> list[str]:
    """Return the lines of *text* without the prefixes of logcat, TFLite or trtexec."""
    return [_plain(line) for line in text.splitlines()]


def _plain(line: str) -> str:
    found = PREFIX.match(line)
    line = line[found.end() :] if found else line
    found = LEVEL.match(line)
    return (line[found.end() :] if found else line).rstrip()


def ended(text: str) -> tuple[str, tuple[str, ...]]:
    """Return *text* without an unterminated last line, and the problem that it was truncated."""
    end = text.rfind("\n") + 1
    return text[:end], ("its last line is truncated",) if text[end:].strip() else ()


def real(text: str) -> float | None:
    """Return *text* as a finite number; None if it is not one."""
    try:
        value = float(text) if len(text) < 64 else math.nan
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def whole(text: str) -> int | None:
    """Return *text* as a whole number of at most 18 digits; None if it is not one."""
    digits = text.strip().removeprefix("-")
    return int(text) if digits.isascii() and digits.isdecimal() and len(digits) <= MOST_DIGITS else None


def ms(text: str, *, per_ms: float = 1000.0) -> float | None:
    """Return a time in ms, 0 or more, from a number in a unit of which *per_ms* make a millisecond."""
    value = real(text)
    return None if value is None or value < 0 else value / per_ms
