"""Run records: the JSON that `detlite measure` and `detlite evaluate` write, read again with care."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from detlite.convert.files.write_file import write_file
from detlite.runtime.errors import InputError
from detlite.runtime.limited_file import read_limited
from detlite.runtime.plugins import load_plugin, plugin_names
from detlite.runtime.strict_json import parse_json
from detlite.runtime.version import SCHEMA_VERSION
from detlite.studies.compare.run_kind import KINDS, RunKind, RunRecord

LARGEST_FILE_BYTES = 256 << 20  # a million samples take 20 MB
MEASURED = "measurement"  # the kind that is read where a folder holds several


def record_file(path: Path) -> Path | None:
    """Return the run record that *path* is or, as a folder, holds; None if it is something else.

    A file counts as one when it begins like JSON: no model does.
    """
    if path.is_dir():
        kinds = sorted(plugin_names(KINDS), key=lambda kind: kind != MEASURED)
        return next((path / f"{kind}.json" for kind in kinds if (path / f"{kind}.json").is_file()), None)
    if not path.is_file():
        return None
    with path.open("rb") as file:
        return path if path.suffix == ".json" or file.read(64).lstrip().startswith(b"{") else None


def read_record(path: Path) -> RunRecord:
    """Return the run record in the file at *path*.

    Raises:
        InputError: it is none, is damaged, or is of another version.
    """
    raw = read_limited(path, "a run record", LARGEST_FILE_BYTES)
    try:
        data = parse_json(raw)
    except InputError as error:
        raise InputError(f"{path} is not whole JSON ({error}); want what detlite measure -o or --json wrote") from error
    return run_record(path, data)


def run_record(path: Path, data: object) -> RunRecord:
    """Return the run record *data* that was read from the file at *path*, as its current version has it.

    Raises:
        InputError: it is none, is damaged, or is of another version.
    """
    schema = data.get("schema") if isinstance(data, Mapping) else None
    room, _dot, kind = str(schema).partition(".")
    if room != "detlite" or kind not in plugin_names(KINDS):
        raise InputError(f"{path} is {str(schema)[:40]!r}; want a record of detlite measure or detlite evaluate")
    assert isinstance(data, Mapping)
    known: RunKind = load_plugin(KINDS, kind)
    if data.get("schema_version") not in known.versions:
        wanted = ", ".join(map(str, known.versions))
        raise InputError(f"{path} is version {data.get('schema_version')!r} of {schema}; this reads {wanted}")
    if known.read is None:
        return RunRecord(path, kind, data)
    try:
        result = known.read(data)
    except InputError as error:
        raise InputError(f"{path} is no run record that detlite wrote: {error}") from error
    return RunRecord(path, kind, result.to_record(), result)


def write_record(path: Path, kind: str, record: Mapping[str, Any]) -> None:
    """Write *record* to the file *path*, whole or not at all."""
    whole = {"schema": f"detlite.{kind}", "schema_version": SCHEMA_VERSION, **record}
    write_file(path, (json.dumps(whole, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode())
