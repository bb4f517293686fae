"""Run records: the JSON that `detlite measure` and `detlite evaluate` write, read again with care."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from detlite.convert.files.write_file import write_file
from detlite.devices.benchmark_result import READ_VERSIONS as BENCHMARKS
from detlite.devices.benchmark_result import BenchmarkResult
from detlite.runtime.errors import InputError
from detlite.runtime.measure.results import READ_VERSIONS as MEASUREMENTS
from detlite.runtime.measure.results import Measurement
from detlite.runtime.version import SCHEMA_VERSION

LARGEST_FILE_BYTES = 256 << 20  # a million samples take 20 MB
LARGEST = 1e18  # in any unit: more is no measurement
VERSIONS = {"measurement": MEASUREMENTS, "accuracy": (SCHEMA_VERSION,), "benchmark_model": BENCHMARKS}
"""Versions that are read, by kind; older ones become the current one."""

NAMES = ("measurement.json", "accuracy.json")
"""What a record is called in a folder: `detlite measure` writes one."""


@dataclass(frozen=True)
class RunRecord:
    """One run.

    Attributes:
        path: the file.
        kind: `measurement`, `accuracy` or `benchmark_model`: the schema without `detlite.`.
        data: its record, of the current version.
        result: the same, typed; None for an accuracy.
    """

    path: Path
    kind: str
    data: Mapping[str, Any]
    result: Measurement | BenchmarkResult | None = None

    def at(self, where: str) -> Any:
        """Return the value at *where*, such as `device.processor`; None where there is none."""
        here: Any = self.data
        for key in where.split("."):
            here = here.get(key) if isinstance(here, Mapping) else None
        return here

    def number(self, where: str) -> float | None:
        """Return the number at *where*, None where there is none; `InputError` where it is no finite number."""
        value = self.at(where)
        return None if value is None else self._finite(value, where)

    def numbers(self, where: str) -> tuple[float, ...] | None:
        """Return the numbers at *where*, None where there are none; `InputError` where it is no list of numbers."""
        values = self.at(where)
        if values is None:
            return None
        if not isinstance(values, list):
            raise self.wrong(f"{where} is no list of numbers")
        return tuple(self._finite(value, where) for value in values)

    def wrong(self, what: str) -> InputError:
        """Return the error that the record is damaged."""
        return InputError(f"{self.path} is no run record that detlite wrote: {what}")

    def _finite(self, value: object, where: str) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not -LARGEST <= value <= LARGEST:
            raise self.wrong(f"{where} holds {str(value)[:40]!r}, want a number")
        return float(value)


def record_file(path: Path) -> Path | None:
    """Return the run record that *path* is or, as a folder, holds; None where it is something else.

    A file counts as one when it begins like JSON: no model does.
    """
    if path.is_dir():
        return next((path / name for name in NAMES if (path / name).is_file()), None)
    if not path.is_file():
        return None
    with path.open("rb") as file:
        return path if path.suffix == ".json" or file.read(64).lstrip().startswith(b"{") else None


def read_record(path: Path) -> RunRecord:
    """Return the run record in the file at *path*.

    Raises:
        InputError: it is none, is damaged, or is of another version.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST_FILE_BYTES + 1)
        if len(raw) > LARGEST_FILE_BYTES:
            raise InputError(f"{path} has over {LARGEST_FILE_BYTES} bytes: it is no run record")
        data = json.loads(raw, parse_constant=_refuse)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is not whole JSON ({error}); want what detlite measure -o or --json wrote") from error
    return run_record(path, data)


def run_record(path: Path, data: object) -> RunRecord:
    """Return the run record *data* that was read from the file at *path*, as its current version has it.

    Raises:
        InputError: it is none, is damaged, or is of another version.
    """
    schema = data.get("schema") if isinstance(data, Mapping) else None
    room, _dot, kind = str(schema).partition(".")
    if room != "detlite" or kind not in VERSIONS:
        raise InputError(f"{path} is {str(schema)[:40]!r}; want a record of detlite measure or detlite evaluate")
    assert isinstance(data, Mapping)
    if data.get("schema_version") not in VERSIONS[kind]:
        wanted = ", ".join(map(str, VERSIONS[kind]))
        raise InputError(f"{path} is version {data.get('schema_version')!r} of {schema}; this reads {wanted}")
    if kind == "accuracy":
        return RunRecord(path, kind, data)
    try:
        result = Measurement.from_record(data) if kind == "measurement" else BenchmarkResult.from_record(data)
    except InputError as error:
        raise InputError(f"{path} is no run record that detlite wrote: {error}") from error
    return RunRecord(path, kind, result.to_record(), result)


def prepare_record(path: Path) -> None:
    """Make sure, before any work, that a record can be written to *path*; `InputError` where something is there."""
    if path.exists():
        raise InputError(f"{path} is already there, and records are not replaced; give another file")
    try:
        with tempfile.TemporaryFile(dir=path.absolute().parent):
            pass
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}; give another file") from error


def write_record(path: Path, kind: str, record: Mapping[str, Any]) -> None:
    """Write *record* to the file *path*, whole or not at all."""
    whole = {"schema": f"detlite.{kind}", "schema_version": SCHEMA_VERSION, **record}
    write_file(path, (json.dumps(whole, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode())


def _refuse(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number in JSON")
