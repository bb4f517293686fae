"""The output of edgetpu_compiler and its operation log, in the formats of versions 1.0 to 16.0.

Rows come in no particular order, and one operator may be in several rows with different statuses.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError

UNITS = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
MOST_TEXT = 1 << 22  # characters of a log: a search over a thousand operators writes a megabyte

VERSION = re.compile(r"Edge TPU Compiler version\s+(\S+)")
ROW = re.compile(r"^([A-Za-z][\w ./-]*?)\s{2,}(\d{1,9})\s{2,}(\S.*?)\s*$")
HEADER = re.compile(r"^Operator\s+Count\s+Status\s*$")
SIZE = re.compile(r"(\d{1,12}(?:\.\d{1,12})?)\s*(B|KiB|MiB|GiB)$")
ATTEMPT = re.compile(r"^Try to compile segment with (\d{1,9}) ops")
COMPILED_IN = re.compile(r"compiled successfully in (\d{1,12}) ms")
FIELDS = {
    "Input": "input_model",
    "Input model": "input_model",
    "Output": "output_model",
    "Output model": "output_model",
    "Input size": "input_bytes",
    "Output size": "output_bytes",
    "On-chip memory used for caching model parameters": "cached_bytes",
    "On-chip memory remaining for caching model parameters": "remaining_bytes",
    "On-chip memory available for caching model parameters": "remaining_bytes",
    "Off-chip memory used for streaming uncached model parameters": "streamed_bytes",
    "Number of Edge TPU subgraphs": "subgraphs",
    "Total number of operations": "operator_count",
    "Number of operations that will run on Edge TPU": "mapped_count",
    "Number of operations that will run on CPU": "cpu_count",
}
"""The prefix of a line, and the field of `ModelLog` that it fills; old versions say `available` for `remaining`."""

ERRORS = (
    "ERROR:",
    "Invalid model",
    "Model could not be parsed",
    "Model not quantized",
    "Compilation failed:",
    "Internal compiler error",
    "Op builtin_code out of range",
)
UNTRUE = "was not true"  # printed by an internal check, after its place in the compiler's source
REFUSALS = (
    "Didn't find op for builtin opcode",
    "Invalid model",
    "Model could not be parsed",
    "Model not quantized",
    "Op builtin_code out of range",
    "dynamic-sized tensors",
    "unresolved custom op",
    "large activation tensors",
)
"""Parts of messages that are about the model, not about the compiler."""


@dataclass(frozen=True)
class Row:
    """One row of the operation log."""

    operator: str
    count: int
    status: str


@dataclass(frozen=True)
class ModelLog:
    """The log of one model; None for what a version does not print. Bytes are rounded as printed."""

    input_model: str | None = None
    output_model: str | None = None
    input_bytes: int | None = None
    output_bytes: int | None = None
    cached_bytes: int | None = None
    remaining_bytes: int | None = None
    streamed_bytes: int | None = None
    subgraphs: int | None = None
    operator_count: int | None = None
    mapped_count: int | None = None
    cpu_count: int | None = None
    rows: tuple[Row, ...] = ()


@dataclass(frozen=True)
class CompilerLog:
    """A whole log.

    Attributes:
        version: the compiler's version; None if not printed.
        models: one, or several that were compiled together.
        attempts: the number of operators in each attempt, if it searched.
        failures: the number of failed attempts.
        compile_ms: the time of the successful compile; None if none succeeded.
        errors: lines that report one.
    """

    version: str | None
    models: tuple[ModelLog, ...]
    attempts: tuple[int, ...]
    failures: int
    compile_ms: int | None
    errors: tuple[str, ...]

    @property
    def is_about_the_model(self) -> bool:
        """Whether an error is caused by the model."""
        return any(part in line for line in self.errors for part in REFUSALS)


def parse_log(text: str) -> CompilerLog:
    """Parse *text*, a compiler's output or its operation log; unknown lines are skipped.

    Raises:
        InputError: it is too long for a log.
    """
    if len(text) > MOST_TEXT:
        raise InputError(f"a compiler's log of {counted(len(text), 'character')}; expected at most {MOST_TEXT}")
    lines = text.replace("\r\n", "\n").split("\n")
    version = VERSION.search(text)
    attempts = [match for line in lines if (match := ATTEMPT.match(line))]
    compiled = COMPILED_IN.search(text)
    return CompilerLog(
        version=version[1] if version else None,
        models=_models(lines),
        attempts=tuple(int(match[1]) for match in attempts),
        failures=sum(line.startswith("Compilation failed!") for line in lines),
        compile_ms=int(compiled[1]) if compiled else None,
        errors=tuple(line.strip() for line in lines if line.strip().startswith(ERRORS) or UNTRUE in line),
    )


def _models(lines: list[str]) -> tuple[ModelLog, ...]:
    models: list[tuple[dict[str, str | int | None], list[Row]]] = []
    in_table = False
    for line in lines:
        key, _colon, value = line.partition(": ")
        name = FIELDS.get(key)
        if name == "input_model" or (name is not None and not models):
            models.append(({}, []))
        if name is not None:
            models[-1][0][name] = _value(name, value.strip())
            in_table = False
        elif HEADER.match(line):
            in_table = True
            models = models or [({}, [])]
        elif in_table and (row := ROW.match(line)):
            models[-1][1].append(Row(row[1], int(row[2]), row[3]))
    return tuple(ModelLog(**fields, rows=tuple(rows)) for fields, rows in models)  # type: ignore[arg-type]


def _value(name: str, text: str) -> str | int | None:
    if name.endswith("_model"):
        return text
    size = SIZE.match(text)
    if size:
        return round(float(size[1]) * UNITS[size[2]])
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
