"""Typed access to the fields of a protobuf text message; every field is accounted for."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from detlite.convert.files.text_format import Message, Scalar
from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError

MAX_INT32 = 2**31 - 1
MAX_FLOAT32 = float(np.finfo(np.float32).max)
MOST_REPEATED = 64  # values of one field; the most in public configs are 6
LONGEST_SHOWN = 40  # characters of a value or name in an error message
FLAGS = {True: True, False: False, "True": True, "False": False, "t": True, "f": False}
"""The spellings of a bool in protobuf's text format; 1 and 0 equal the keys True and False."""

Value = Scalar | Message


class Fields:
    """The fields of one message; each is read, ignored, refused or, by `finish`, reported as skipped.

    Absent fields have the proto's defaults; an absent message reads as an empty one.

    Args:
        message: the parsed message.
        title: the name of the message in errors.
        file: the name of the file in errors.
        line: the line on which the message begins.
        skipped: (line, name) of each unknown field of this message and of those inside it; `finish` appends to it.
    """

    def __init__(
        self, message: Message, title: str, file: str, line: int = 1, skipped: list[tuple[int, str]] | None = None
    ) -> None:
        self._message = message
        self._title = title
        self._file = file
        self._line = line
        self._known: set[str] = set()
        self._defaults: dict[str, Value] = {}
        self.skipped: list[tuple[int, str]] = [] if skipped is None else skipped

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the fields that are set, in file order."""
        return tuple(dict.fromkeys(name for name, _value, _line in self._message.fields))

    def has(self, name: str) -> bool:
        """Return whether the field *name* is set."""
        return any(found == name for found, _value, _line in self._message.fields)

    def line_of(self, name: str) -> int:
        """Return the line of the field *name*, or of the message if it is not set."""
        return next((line for found, _value, line in self._message.fields if found == name), self._line)

    def integer(self, name: str, default: int | None = None, *, low: int = 0, high: int = MAX_INT32) -> int:
        """Return an integer from *low* to *high*; without a *default* the field must be set."""
        return self._integer(name, self._one(name, default), low, high)

    def integers(self, name: str, *, low: int = 0, high: int = MAX_INT32) -> tuple[int, ...]:
        """Return the values of the repeated field *name*, integers from *low* to *high*."""
        return tuple(self._integer(name, value, low, high, line) for value, line in self._repeated(name))

    def real(self, name: str, default: float, *, low: float = -MAX_FLOAT32, high: float = MAX_FLOAT32) -> float:
        """Return a number from *low* to *high*, rounded to float32, the type of the proto's field."""
        return self._real(name, self._one(name, default), (low, high))

    def positive(self, name: str, default: float, *, high: float = MAX_FLOAT32) -> float:
        """Return a number above 0 and up to *high*, rounded to float32."""
        return self._real(name, self._one(name, default), (0.0, high), over=True)

    def positives(self, name: str) -> tuple[float, ...]:
        """Return the values of the repeated field *name*, numbers above 0, rounded to float32."""
        return tuple(
            self._real(name, value, (0.0, MAX_FLOAT32), over=True, line=line) for value, line in self._repeated(name)
        )

    def reals(self, name: str) -> tuple[float, ...]:
        """Return the values of the repeated field *name*, numbers rounded to float32."""
        limits = (-MAX_FLOAT32, MAX_FLOAT32)
        return tuple(self._real(name, value, limits, line=line) for value, line in self._repeated(name))

    def flag(self, name: str, default: bool) -> bool:
        """Return the boolean field *name*."""
        value = self._one(name, default)
        if isinstance(value, (Message, float)) or value not in FLAGS:
            raise self._unfit(name, value, "true or false")
        return FLAGS[value]

    def text(self, name: str, default: str | None = None) -> str:
        """Return a string; without a *default* the field must be set and not be empty."""
        value = self._one(name, default)
        if not isinstance(value, str) or (default is None and not value):
            raise self._unfit(name, value, "a name")
        return value

    def choice(self, name: str, default: str, among: Mapping[str, int]) -> str:
        """Return one of the enum names *among* (name -> number); the file may hold the name or the number."""
        value = self._one(name, default)
        by_number = {number: known for known, number in among.items()}
        if isinstance(value, int) and not isinstance(value, bool) and value in by_number:
            return by_number[value]
        if not isinstance(value, str) or value not in among:
            raise self._unfit(name, value, f"one of {', '.join(among)}")
        return value

    def inside(self, name: str) -> Fields:
        """Return the fields of the message *name*; an empty message if it is not set."""
        value = self._one(name, Message(self._line))
        if not isinstance(value, Message):
            raise self._unfit(name, value, f"{name} {{ ... }}")
        return Fields(value, name, self._file, self.line_of(name), self.skipped)

    def each(self, name: str) -> tuple[Fields, ...]:
        """Return the fields of each message of the repeated field *name*."""
        found = self._repeated(name)
        for value, line in found:
            if not isinstance(value, Message):
                raise self._unfit(name, value, f"{name} {{ ... }}", line)
        return tuple(
            Fields(value, name, self._file, line, self.skipped) for value, line in found if isinstance(value, Message)
        )

    def one_of(self, *names: str) -> str | None:
        """Return which of the fields *names* of a oneof is set, or None; setting two is an error."""
        self._known.update(names)
        found = [name for name in self.names if name in names]
        if len(found) > 1:
            first, second = found[:2]
            raise InputError(
                f"{self._file}, line {self.line_of(second)}: {second}, and {first} on line {self.line_of(first)}; "
                f"want one of them in {self._title}"
            )
        return found[0] if found else None

    def ignore(self, *names: str) -> None:
        """Accept fields that do not affect a trained network."""
        self._known.update(names)

    def refuse(self, *names: str, because: str) -> None:
        """Raise an `InputError` if one of the fields *names* is set; *because* is the reason in the message."""
        self._known.update(names)
        for name in names:
            if self.has(name):
                raise self.unsupported(name, because)

    def unsupported(self, name: str, because: str) -> InputError:
        """Return the error that detlite does not support the value of the field *name*."""
        value = next((value for value, _line in self._all(name)), self._defaults.get(name))
        setting = f"{name} {{ ... }}" if isinstance(value, Message) else f"{name} is {_shown(value)}"
        setting += "" if self.has(name) else " by default"
        return InputError(f"{self._file}, line {self.line_of(name)}: {setting}; {because}")

    def missing(self, wanted: str) -> InputError:
        """Return the error that the message lacks the field *wanted*."""
        return InputError(f"{self._file}, line {self._line}: {self._title} has no {wanted}")

    def finish(self) -> None:
        """Add the fields that were never read to *skipped*: the OD API has no such field, or has removed it."""
        for name, _value, line in self._message.fields:
            if name not in self._known:
                self.skipped.append((line, name[:LONGEST_SHOWN]))

    def _all(self, name: str) -> list[tuple[Value, int]]:
        self._known.add(name)
        return [(value, line) for found, value, line in self._message.fields if found == name]

    def _repeated(self, name: str) -> list[tuple[Value, int]]:
        values = self._all(name)
        if len(values) > MOST_REPEATED:
            raise InputError(
                f"{self._file}, line {values[MOST_REPEATED][1]}: {name} has {counted(len(values), 'value')}; want at "
                f"most {MOST_REPEATED}"
            )
        return values

    def _one(self, name: str, default: Value | None) -> Value:
        values = self._all(name)
        if len(values) > 1:
            raise InputError(
                f"{self._file}, line {values[1][1]}: {name} is already set on line {values[0][1]}; want it once"
            )
        if values:
            return values[0][0]
        if default is None:
            raise self.missing(name)
        self._defaults[name] = default
        return default

    def _integer(self, name: str, value: Value, low: int, high: int, line: int | None = None) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise self._unfit(name, value, f"a whole number from {low} to {high}", line)
        return value

    def _real(
        self, name: str, value: Value, limits: tuple[float, float], *, over: bool = False, line: int | None = None
    ) -> float:
        low, high = limits
        number = value if isinstance(value, (int, float)) and not isinstance(value, bool) else math.nan
        rounded = float(np.float32(number)) if abs(number) <= MAX_FLOAT32 else math.nan
        if low <= rounded <= float(np.float32(high)) and not (over and rounded <= low):
            return rounded
        wanted = "a number" if low == -MAX_FLOAT32 else f"a number {'over' if over else 'from'} {low:g}"
        raise self._unfit(name, value, wanted if high == MAX_FLOAT32 else f"{wanted} up to {high:g}", line)

    def _unfit(self, name: str, value: Value, wanted: str, line: int | None = None) -> InputError:
        came = "a message" if isinstance(value, Message) else _shown(value)
        return InputError(f"{self._file}, line {line or self.line_of(name)}: {name} is {came}; want {wanted}")


def _shown(value: Value | None) -> str:
    shown = repr(value)
    return shown if len(shown) <= LONGEST_SHOWN else f"{shown[:LONGEST_SHOWN]}..."
