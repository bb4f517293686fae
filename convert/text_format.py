"""A tolerant reader of protobuf's text format, as people and tools write it in `pipeline.config`.

Takes what the OD API's own parser does not: fields that have been removed since, trailing commas, semicolons. Every
field keeps its line number, so that an error can name it. Grammar: protobuf.dev/reference/protobuf/textformat-spec.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from detlite.runtime.errors import InputError

MAX_DEPTH = 64
TOKEN = re.compile(
    r"""(?P<skip>[\s]+|\#[^\n]*)
      | (?P<string>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
      | (?P<extension>\[[A-Za-z_][\w./]*\])
      | (?P<word>[-+]?[\w.+-]+)
      | (?P<mark>[:{}<>\[\],;])""",
    re.VERBOSE,
)
OPENING = {"{": "}", "<": ">"}

Scalar = str | int | float | bool


@dataclass
class Message:
    """A message: its fields in file order, repeated ones several times.

    Attributes:
        line: the line on which it begins.
        fields: (name, value, line) triples.
    """

    line: int = 1
    fields: list[tuple[str, Scalar | Message, int]] = field(default_factory=list)

    def values(self, name: str) -> list[Scalar | Message]:
        """Return every value of the field *name*."""
        return [value for found, value, _line in self.fields if found == name]

    def message(self, *path: str) -> Message | None:
        """Return the last message at *path*, or None where a part of it is absent."""
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

    def number(self, name: str, default: float) -> float:
        """Return the field *name* as a number.

        Raises:
            InputError: it is something else.
        """
        value = self.scalar(name)
        if value is None:
            return default
        if isinstance(value, (str, bool)):
            raise InputError(f"line {self._line_of(name)}: {name} is {value!r}, and a number is wanted")
        return float(value)

    def _line_of(self, name: str) -> int:
        return next(line for found, _value, line in self.fields if found == name)


def parse_text_format(text: str, name: str) -> Message:
    """Return the message that *text* holds; *name* stands in errors.

    Raises:
        InputError: it is not text format, and on which line.
    """
    tokens = _Tokens(text, name)
    message = Message()
    _fields(tokens, message, end=None, depth=0)
    return message


class _Tokens:
    """The tokens of a text, with one to look ahead."""

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
        """Move on and say True if the current token is one of *texts*."""
        if self.kind == "mark" and self.text in texts:
            self.advance()
            return True
        return False

    def fail(self, wanted: str) -> InputError:
        """Return the error that *wanted* did not come."""
        came = repr(self.text) if self.kind != "end" else "the end of the file"
        return InputError(f"{self._name}, line {self.line}: want {wanted}, got {came}")


def _fields(tokens: _Tokens, message: Message, *, end: str | None, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise tokens.fail(f"at most {MAX_DEPTH} messages inside one another")
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
        raise tokens.fail(f"a colon or a brace after {name}")


def _list_of_one(tokens: _Tokens, message: Message, name: str, line: int) -> None:
    """Take `[VALUE]`, which reads like an extension's name."""
    message.fields.append((name, _word(tokens.advance()[1].strip("[]")), line))


def _message(tokens: _Tokens, depth: int) -> Message:
    _kind, opening, line = tokens.advance()
    message = Message(line)
    _fields(tokens, message, end=OPENING[opening], depth=depth + 1)
    return message


def _scalar(tokens: _Tokens) -> Scalar:
    if tokens.kind == "string":
        parts = []
        while tokens.kind == "string":  # neighbours are one string
            parts.append(_unquote(tokens.advance()[1]))
        return "".join(parts)
    if tokens.kind == "word":
        return _word(tokens.advance()[1])
    raise tokens.fail("a value")


def _unquote(text: str) -> str:
    escapes = {"n": "\n", "t": "\t", "r": "\r"}
    return re.sub(r"\\(.)", lambda found: escapes.get(found.group(1), found.group(1)), text[1:-1])


def _word(text: str) -> Scalar:
    if text in ("true", "false"):
        return text == "true"
    for kind in (int, float):
        try:
            return kind(text.rstrip("fF") if kind is float and text[:1] in "+-.0123456789" else text)
        except ValueError:
            continue
    return text
