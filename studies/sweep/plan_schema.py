"""The JSON schema of a plan, made of the axes and the keys that the reader knows."""

from __future__ import annotations

from typing import Any

from detlite.accuracy.dataset import datasets_by_option
from detlite.studies.sweep.axes import AXES, Axis
from detlite.studies.sweep.plan_file import MODEL_KEYS, RANGE_KEYS, VIEW_KEYS

TEXT = {"type": "string"}


def plan_schema() -> dict[str, Any]:
    """Return the JSON schema (draft 2020-12) of a plan."""
    axes = {name: {"description": axis.help, **_values(axis)} for name, axis in AXES.items()}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:detlite:sweep_plan",
        "title": "A plan for `detlite sweep`",
        **_table(
            {
                "name": {"description": "Name of the study", **TEXT},
                "axes": {"description": "The values of each axis", **_table(axes), "required": ["model"]},
                "models": _named(_table(dict.fromkeys(MODEL_KEYS, TEXT)), "Models by name"),
                "datasets": _named(_dataset(), "Data sets by name"),
                "formats": _named(_tool("to"), "Formats by name: an exporter and options of `detlite export`"),
                "targets": _named(_tool("chip"), "Targets by name: a chip and options of `detlite compile`"),
                "exclude": {"description": "Combinations to leave out", "type": "array", "items": _table(axes)},
                "measure": {
                    "description": "What all measurements share",
                    **_table(
                        {
                            "images": {"description": "Folder or list of images; noise without it", **TEXT},
                            "video": {"description": "Video whose first frames to run on", **TEXT},
                            "queries": {"description": "Minimum queries", "type": "integer", "minimum": 1},
                            "processes": {"description": "Processes", "type": "integer", "minimum": 1},
                            "min_seconds": {
                                "description": "Shortest duration",
                                "type": "number",
                                "exclusiveMinimum": 0,
                            },
                        }
                    ),
                },
                "evaluate": {
                    "description": "What all evaluations share",
                    **_table({"bootstrap": {"description": "Draws for intervals; 0 for none", "type": "integer"}}),
                },
                "gates": {"description": "Conditions that a recommended cell meets", "type": "array", "items": TEXT},
            }
        ),
        "required": ["axes"],
    }


def _table(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _named(table: dict[str, Any], text: str) -> dict[str, Any]:
    return {"description": text, "type": "object", "additionalProperties": table}


def _tool(key: str) -> dict[str, Any]:
    option = {"type": ["string", "number", "boolean", "array"]}
    return {"type": "object", "properties": {key: TEXT}, "additionalProperties": option}


def _values(axis: Axis) -> dict[str, Any]:
    one = axis.schema()
    ways: list[dict[str, Any]] = [one, {"type": "array", "items": one, "minItems": 1, "uniqueItems": True}]
    if axis.kind in ("whole", "number"):
        ways.append({**_table({key: {"type": "number"} for key in RANGE_KEYS}), "required": ["from", "to"]})
    return {"anyOf": ways}


def _dataset() -> dict[str, Any]:
    paths = {"anyOf": [TEXT, {"type": "array", "items": TEXT}]}
    known = {option: one for option, (_file, one) in datasets_by_option().items() if one.labels}
    further = {further.name: TEXT for one in known.values() for further in one.further}
    limit = {"description": "Use the first images, this many", "type": "integer", "minimum": 1}
    views = {key: {"description": "Of videos", "type": "integer", "minimum": 1} for key in VIEW_KEYS}
    return _table(
        {"limit": limit, "known_classes": {"type": "boolean"}, **views, **further, **dict.fromkeys(known, paths)}
    )
