"""A tolerant reader of protobuf's text format, the format of `pipeline.config`.

Unlike the OD API's parser it accepts fields that have since been removed, trailing commas and semicolons. Every field
keeps its line number for error messages. Grammar: protobuf.dev/reference/protobuf/textformat-spec.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from detlite.runtime.errors import InputError

MAX_BYTES = 4_000_000  # the largest public config has 7 kB, the largest label map 1 MB
MAX_DEPTH = 64
LONGEST_SHOWN = 40  # characters of a token in an error message
LONGEST_INTEGER = 40  # digits and sign; protobuf's own integers have at most 20
TOKEN = re.compile(
    r"""(?P<skip>[\s]+|\#[^\n]*)
      | (?P<string>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
      | (?P<extension>\[[A-Za-z_][A-Za-z0-9_./]*\])
      | (?P<word>[A-Za-z0-9_.+-]+)
      | (?P<mark>[:{}<>\[\],;])""",
    re.VERBOSE,
)
OPENING = {"{": "}", "<": ">"}
OCTAL = re.compile(r"[-+]?0[0-7]+")
INTEGER = re.compile(r"[-+]?[0-9]+")
HEXADECIMAL = re.compile(r"[-+]?0[xX][0-9a-fA-F]+")
REAL = re.compile(r"([-+]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|(?i:inf(?:inity)?|nan)))[fF]?")
ESCAPE = re.compile(rb"\\(?:([0-7]{1,3})|[xX]([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))", re.DOTALL)
LETTER_ESCAPES = {b"a": b"\a", b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}

Scalar = str | int | float | bool


@dataclass
class Message:
    """A message.

    Attributes:
        line: the line on which it begins.
        fields: (name, value, line) in file order; a repeated field appears several times.
    """

    line: int = 1
    fields: list[tuple[str, Scalar | Message, int]] = field(default_factory=list)

    def values(self, name: str) -> list[Scalar | Message]:
        """Return every value of the field *name*."""
        return [value for found, value, _line in self.fields if found == name]

    def message(self, *path: str) -> Message | None:
        """Return the last message at *path*, or None if a part of the path is not set."""
        here = self
        for name in path:
            inner = [value for value in here.values(name) if isinstance(value, Message)]
            if not inner:
                return None
            here = inner[-1]
        return here

    def scalar(self, name: str) -> Scalar | None:
        """Return the last scalar value of the field *name*, or None."""
        found = [value for value in self.values(name) if not isinstance(value, Message)]
        return found[-1] if found else None


def read_text_format(path: Path) -> Message:
    """Return the message in the file at *path*.

    Raises:
        InputError: the file is missing, too long, or not text format; the message names the line.
    """
    try:
        if not path.is_file():
            raise InputError(f"{path} is not a file; want protobuf text format, such as a pipeline.config")
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise InputError(f"{path} has more than {MAX_BYTES} bytes, the limit for protobuf text format")
        text = data.decode("utf-8-sig")  # editors on Windows write a byte order mark
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not text: byte {error.start} is not UTF-8; want protobuf text format") from error
    except (OSError, ValueError) as error:  # ValueError: a file name with a null byte
        raise InputError(f"cannot read {path}: {error}") from error
    return parse_text_format(text, str(path))


def parse_text_format(text: str, name: str) -> Message:
    """Return the message in *text*; errors use *name* as the file name.

    Raises:
        InputError: it is not text format; the message names the line.
    """
    tokens = _Tokens(text, name)
    message = Message()
    _fields(tokens, message, end=None, depth=0)
    return message


class _Tokens:
    """A tokenizer with one token of lookahead."""

    def __init__(self, text: str, name: str) -> None:
        self._name = name
        self._stream = self._scan(text)
        self.line = 1
        self.kind, self.text = "", ""
        self.advance()

    def _scan(self, text: str) -> Iterator[tuple[str, str, int]]:
        at, line = 0, 1
        while at < len(text):
            match = TOKEN.match(text, at)
            if match is None:
                raise InputError(f"{self._name}, line {line}: {text[at : at + 20]!r} is not protobuf text format")
            if match.lastgroup != "skip":
                yield str(match.lastgroup), match.group(), line
            line += match.group().count("\n")
            at = match.end()

    def advance(self) -> tuple[str, str, int]:
        """Return the current token and move on."""
        token = (self.kind, self.text, self.line)
        self.kind, self.text, self.line = next(self._stream, ("end", "", self.line))
        return token

    def take(self, *texts: str) -> bool:
        """Advance and return True if the current token is one of *texts*, else return False."""
        if self.kind == "mark" and self.text in texts:
            self.advance()
            return True
        return False

    def fail(self, wanted: str) -> InputError:
        """Return the error that the current token is not *wanted*."""
        came = repr(self.text[:LONGEST_SHOWN]) if self.kind != "end" else "the end of the file"
        return InputError(f"{self._name}, line {self.line}: want {wanted}, got {came}")


def _fields(tokens: _Tokens, message: Message, *, end: str | None, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise tokens.fail(f"at most {MAX_DEPTH} nested messages")
    while not (tokens.kind == "end" if end is None else tokens.take(end)):
        if tokens.kind not in ("word", "extension"):
            raise tokens.fail("the name of a field" if end is None else f"a field or {end!r}")
        _kind, name, line = tokens.advance()
        _value(tokens, message, name.strip("[]"), line, depth)
        tokens.take(",", ";")


def _value(tokens: _Tokens, message: Message, name: str, line: int, depth: int) -> None:
    colon = tokens.take(":")
    if tokens.text in OPENING and tokens.kind == "mark":
        message.fields.append((name, _message(tokens, depth), line))
    elif tokens.take("["):
        while not tokens.take("]"):
            inner = _message(tokens, depth) if tokens.text in OPENING else _scalar(tokens)
            message.fields.append((name, inner, line))
            tokens.take(",")
    elif tokens.kind == "extension" and colon and tokens.text != "[]":
        _list_of_one(tokens, message, name, line)
    elif colon:
        message.fields.append((name, _scalar(tokens), line))
    else:
        raise tokens.fail(f"a colon or a brace after {name[:LONGEST_SHOWN]}")


def _list_of_one(tokens: _Tokens, message: Message, name: str, line: int) -> None:
    """Read `[VALUE]`, which the tokenizer takes for the name of an extension."""
    message.fields.append((name, _word(tokens.advance()[1].strip("[]")), line))


def _message(tokens: _Tokens, depth: int) -> Message:
    _kind, opening, line = tokens.advance()
    message = Message(line)
    _fields(tokens, message, end=OPENING[opening], depth=depth + 1)
    return message


def _scalar(tokens: _Tokens) -> Scalar:
    if tokens.kind == "string":
        parts = []
        while tokens.kind == "string":  # adjacent strings are concatenated
            parts.append(_unquote(tokens.advance()[1]))
        return "".join(parts)
    if tokens.kind == "word":
        return _word(tokens.advance()[1])
    raise tokens.fail("a value")


def _unquote(text: str) -> str:
    """Return the value of a quoted *text*; octal and hexadecimal escapes are bytes of UTF-8."""
    inner = text[1:-1]
    if "\\" not in inner:
        return inner
    return ESCAPE.sub(_escaped, inner.encode("utf-8", "replace")).decode("utf-8", "replace")


def _escaped(found: re.Match[bytes]) -> bytes:
    octal, hexadecimal, short, long, other = found.groups()
    if octal or hexadecimal:
        return bytes([int(octal, 8) & 0xFF if octal else int(hexadecimal, 16)])
    if short or long:
        number = int(short or long, 16)
        return chr(number).encode("utf-8", "replace") if number <= sys.maxunicode else b"?"
    return LETTER_ESCAPES.get(other, other)


def _word(text: str) -> Scalar:
    """Return *text* as a bool, number or name by protobuf's rules: 010 is octal."""
    if text in ("true", "false"):
        return text == "true"
    if len(text) <= LONGEST_INTEGER:
        for pattern, base in ((OCTAL, 8), (INTEGER, 10), (HEXADECIMAL, 16)):
            if pattern.fullmatch(text):
                return int(text, base)
    real = REAL.fullmatch(text)
    return float(real.group(1)) if real else text
