"""Checking that what detlite writes as JSON is as its published schema says."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from detlite.convert.files.schemas import schema_called, schema_names, schema_of


def check_record(record: Mapping[str, Any]) -> None:
    """Fail unless *record* is as its schema says, and has no key that the schema does not name."""
    identity = schema_of(record)["$id"]
    error = best_match(_validator(identity).iter_errors(record))
    place = "" if error is None else "".join(f"[{part!r}]" for part in error.absolute_path)
    assert error is None, f"{identity}{place}: {error.message[:500]}; see schemas/ and docs/json.md"


@cache
def _validator(identity: str) -> Draft202012Validator:
    schemas = {schema["$id"]: strict(schema) for schema in map(schema_called, schema_names())}
    resources = [(name, DRAFT202012.create_resource(schema)) for name, schema in schemas.items()]
    return Draft202012Validator(schemas[identity], registry=Registry().with_resources(resources))


def strict(value: Any) -> Any:
    """Return a schema that refuses keys it does not name: users must bear new ones, detlite must document them."""
    if isinstance(value, list):
        return [strict(part) for part in value]
    if not isinstance(value, dict):
        return value
    found = {key: strict(part) for key, part in value.items()}
    if isinstance(found.get("properties"), dict) and "type" in found and "additionalProperties" not in found:
        found["additionalProperties"] = False
    return found
