"""The published JSON schemas: there is one for everything that detlite writes as JSON, and the wheel holds it."""

import ast
import re
from pathlib import Path

import pytest
from builders.json_schemas import check_record
from jsonschema import Draft202012Validator

from detlite.convert.files.schemas import FOLDER, schema_called, schema_names
from detlite.runtime.errors import UnknownNameError

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("runtime", "convert", "accuracy", "calibration", "devices", "studies", "library", "commands")
FILES = [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]
NAME = re.compile(r"detlite\.[a-z_]+")
PRIVATE = {"detlite.catalogue", "detlite.digests"}
"""Files of the package itself, and of the cache: nobody else reads them."""


def emitted() -> set[str]:
    """The schemas that commands name where they write JSON."""
    names = set()
    for path in (ROOT / "commands").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "emit_json":
                names |= {part.value for part in ast.walk(node.args[0]) if isinstance(part, ast.Constant)}
    return {name for name in names if isinstance(name, str)}


def written() -> set[str]:
    """The schemas that modules name for their records."""
    names = set()
    for path in FILES:
        text = path.read_text(encoding="utf-8")
        for line in text.splitlines():
            if re.match(r"(\w*SCHEMA\w*(, \w+)?) = |.*\"schema\": \"detlite", line):
                names |= set(NAME.findall(line))
    return names - PRIVATE


def published() -> set[str]:
    return {name.partition(".")[0] for name in schema_names()}


def test_no_command_writes_json_without_a_published_schema():
    assert emitted()
    assert emitted() <= published()


def test_no_record_is_written_without_a_published_schema():
    assert {"detlite.measurement", "detlite.contract", "detlite.history", "detlite.run"} <= written()
    assert {name.removeprefix("detlite.") for name in written()} <= published()


@pytest.mark.parametrize("name", schema_names())
def test_a_schema_is_valid_and_says_what_it_is_of(name):
    schema = schema_called(name)
    Draft202012Validator.check_schema(schema)
    assert schema["$id"] == f"urn:detlite:{name.replace('.', ':')}"
    assert schema["title"]
    assert schema["properties"]["schema"]["const"] == f"detlite.{name.partition('.')[0]}"
    assert {"schema", "schema_version"} <= set(schema["required"])


@pytest.mark.parametrize("name", schema_names())
def test_a_schema_names_and_describes_every_key_of_its_record(name):
    schema = schema_called(name)
    assert schema["additionalProperties"] is False
    assert all(value.get("description") for value in schema["properties"].values())


@pytest.mark.parametrize("name", schema_names())
def test_each_schema_is_listed_in_the_page_on_json(name):
    assert f"`{name}`" in (ROOT / "docs/json.md").read_text(encoding="utf-8")


def test_a_name_that_is_none_is_told():
    with pytest.raises(UnknownNameError, match="no JSON schema is called 'mesurement'; did you mean 'measurement'"):
        schema_called("mesurement")


def test_a_key_that_no_schema_names_fails_a_test():
    record = {"schema": "detlite.zoo_fetch", "schema_version": 1}
    known = {"name": "a", "path": "b", "source": "c", "sha256": "d"}
    check_record({**record, **known})
    with pytest.raises(AssertionError, match="more"):
        check_record({**record, **known, "more": 1})
    with pytest.raises(AssertionError, match="'name' is a required property"):
        check_record({**record, "path": "b", "source": "c", "sha256": "d"})


def test_the_schemas_are_files_of_one_folder():
    assert FOLDER.resolve() == ROOT / "schemas"
