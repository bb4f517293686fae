"""JSON from files and devices: what is not plain, unambiguous JSON is one error.

The standard library's parser also takes NaN, halves of surrogate pairs, keys that occur twice and numbers that no
float64 or int64 holds; each fails later, somewhere else, as another exception.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from pathlib import Path
from typing import Any, Dict, List, Tuple, Union

from detlite.runtime.errors import InputError

DEEPEST = 100  # objects and lists in each other; Python's own limit depends on who calls
MOST_SHOWN = 40  # characters of a wrong value in an error
INTEGERS = range(-(1 << 63), 1 << 64)  # int64 and uint64
LONGEST_INTEGER = 20  # characters: the longest of `INTEGERS`
HALF_PAIR = re.compile(r"\\u[dD][89a-fA-F]")


def parse_json(data: Union[bytes, str]) -> Any:
    """Return the value of the JSON *data*; bytes are UTF-8, with or without a byte order mark.

    Raises:
        InputError: it is not JSON, is nested deeper than `DEEPEST`, or holds NaN, an infinity, a number too large for
            float64 or 64 bits, half a surrogate pair, or a key twice in one object.
    """
    try:
        text = data.decode("utf-8-sig") if isinstance(data, bytes) else data
        value = json.loads(
            text, parse_float=_float, parse_int=_int, parse_constant=_constant, object_pairs_hook=_object
        )
    except RecursionError as error:
        raise _too_deep() from error
    except UnicodeDecodeError as error:
        raise InputError(f"it is not UTF-8: byte {error.start} is 0x{error.object[error.start]:02x}") from error
    except ValueError as error:
        raise InputError(str(error)) from error
    _check_depth(value)
    if HALF_PAIR.search(text):
        _check_text(value)
    return value


def load_json(path: Path) -> Any:
    """Return the value in the JSON file at *path*.

    Raises:
        InputError: as `parse_json`, or the file cannot be read; the text begins with *path*.
    """
    try:
        return parse_json(path.read_bytes())
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error
    except InputError as error:
        raise InputError(f"{path} is not whole JSON: {error}") from error


def _float(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise InputError(f"the number {text[:MOST_SHOWN]} is too large")
    return value


def _int(text: str) -> int:
    if len(text) > LONGEST_INTEGER or int(text) not in INTEGERS:
        raise InputError(f"the number {text[:MOST_SHOWN]} has over 64 bits")
    return int(text)


def _constant(text: str) -> None:
    raise InputError(f"it holds {text}, which is not a number of JSON")


def _object(pairs: List[Tuple[str, Any]]) -> Dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(key for key, count in Counter(key for key, _value in pairs).items() if count > 1)
        raise InputError(f"it has the key {twice[:MOST_SHOWN]!r} twice in one object")
    return found


def _check_depth(value: Any) -> None:
    """Raise `InputError` if *value* is nested deeper than `DEEPEST`."""
    level = [value] if type(value) in (dict, list) else []
    for _depth in range(DEEPEST):
        level = [
            part
            for whole in level
            for part in (whole.values() if type(whole) is dict else whole)
            if type(part) in (dict, list)
        ]
        if not level:
            return
    raise _too_deep()


def _check_text(value: Any) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        half = ord(error.object[error.start])
        raise InputError(f"it holds \\u{half:04x}, half of a surrogate pair") from error


def _too_deep() -> InputError:
    return InputError(f"it is nested over {DEEPEST} levels deep")
