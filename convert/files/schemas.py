"""The JSON schemas of everything that detlite writes as JSON, found by name: files in the folder `schemas/`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from detlite.runtime.errors import unknown_name
from detlite.runtime.strict_json import load_json

FOLDER = Path(__file__).parents[2] / "schemas"
PREFIX = "detlite."


def schema_names() -> tuple[str, ...]:
    """Return the names of the published schemas, such as `measurement`, or `contract.2` for one of several versions."""
    return tuple(sorted(path.name.removesuffix(".json") for path in FOLDER.glob("*.json")))


def schema_called(name: str) -> dict[str, Any]:
    """Return the JSON schema (draft 2020-12) of that *name*.

    Raises:
        UnknownNameError: there is none.
    """
    if name not in schema_names():
        raise unknown_name("JSON schema", name, schema_names())
    schema: dict[str, Any] = load_json(FOLDER / f"{name}.json")
    return schema


def schema_of(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the JSON schema that *record* names by its `schema` and `schema_version`.

    Raises:
        UnknownNameError: it names none that is published.
    """
    name = str(record.get("schema")).removeprefix(PREFIX)
    versioned = f"{name}.{record.get('schema_version')}"
    return schema_called(versioned if versioned in schema_names() else name)
