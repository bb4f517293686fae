"""The facts of records as a table for other programs: CSV, or Parquet."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from detlite.convert.files.write_file import write_file
from detlite.runtime.errors import InputError, MissingToolError
from detlite.studies.store.store import Listed

FORMATS = (".csv", ".parquet")
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet computes a text that begins with one of these."""


def export_facts(rows: Sequence[Listed], path: Path) -> None:
    """Write the facts of *rows* to *path*, one row each, with the columns `key`, `kind`, and every fact's name.

    Raises:
        InputError: *path* ends in neither .csv nor .parquet, or cannot be written.
        MissingToolError: Parquet needs pyarrow.
    """
    if path.suffix not in FORMATS:
        raise InputError(f"{path}: want a name that ends in {' or '.join(FORMATS)}")
    names = columns_of(rows)
    whole = [{"key": row.key, "kind": row.kind, **row.facts} for row in rows]
    write_file(path, _csv(names, whole) if path.suffix == ".csv" else _parquet(names, whole))


def columns_of(rows: Sequence[Listed]) -> list[str]:
    """Return the names of the columns: the order in which the facts first come."""
    return list(dict.fromkeys(["key", "kind", *(name for row in rows for name in row.facts)]))


def _csv(names: Sequence[str], rows: Sequence[dict[str, Any]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    for row in rows:
        writer.writerow([_cell(row.get(name)) for name in names])
    return text.getvalue().encode()


def _cell(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def _parquet(names: Sequence[str], rows: Sequence[dict[str, Any]]) -> bytes:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise MissingToolError("Parquet needs pyarrow: pip install pyarrow, or write .csv") from error
    columns = {name: _column([row.get(name) for row in rows]) for name in names}
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(columns), sink)
    data: bytes = sink.getvalue().to_pybytes()
    return data


def _column(values: list[Any]) -> list[Any]:
    """Return *values* in one type: numbers as they are, or texts where there is a text among them."""
    if any(isinstance(value, str) for value in values):
        return [None if value is None else str(value) for value in values]
    if all(value is None or isinstance(value, bool) for value in values):
        return values
    return [None if value is None else float(value) for value in values]
