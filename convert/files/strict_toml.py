"""TOML from files: what TOML itself forbids, and Python's parser does not always report, is one error."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from typing import Any

from detlite.runtime.errors import InputError

INTEGERS = range(-(1 << 63), 1 << 63)  # TOML 1.0: 64-bit signed integers
TOO_LARGE = "it holds an integer that does not fit in 64 bits"
PYTHONS_LIMIT = "integer string conversion"
"""What Python's own error says of an integer with over 4,300 digits."""

MOST_SHOWN = 40  # characters of a wrong value in an error


def parse_toml(data: bytes) -> dict[str, Any]:
    """Return the table that the TOML *data* describes.

    Raises:
        InputError: it is not TOML or not UTF-8, is nested too deeply, or holds nan, an infinity, or an integer of over
            64 bits; the text names the line if the parser does.
    """
    try:
        table = tomllib.loads(data.decode("utf-8-sig"), parse_float=_float)
    except RecursionError as error:
        raise InputError("it is nested too deeply") from error
    except UnicodeDecodeError as error:
        raise InputError(f"it is not UTF-8: byte {error.start} is 0x{error.object[error.start]:02x}") from error
    except ValueError as error:  # TOMLDecodeError, and what int() and datetime() raise
        raise InputError(TOO_LARGE if PYTHONS_LIMIT in str(error) else str(error)) from error
    _check_integers(table)
    return table


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise InputError(f"it holds the number {text[:MOST_SHOWN]}, which is too large or none")
    return value


def _check_integers(value: object) -> None:
    """Raise `InputError` if an integer in *value* has over 64 bits."""
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, Mapping):
            waiting += part.values()
        elif isinstance(part, list):
            waiting += part
        elif isinstance(part, int) and part not in INTEGERS:
            raise InputError(TOO_LARGE)
