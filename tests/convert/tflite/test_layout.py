"""The table of offsets against the schema that ai_edge_litert carries: a field that is missing there is not checked."""

import re

import pytest
from ai_edge_litert import schema_py_generated as schema

from detlite.convert.tflite.layout import OFFSETS
from detlite.convert.tflite.verify import union_names

TABLES = sorted(name[:-1] for name in vars(schema) if name.endswith("T") and hasattr(schema, name[:-1] + "Start"))


def offset_fields(name):
    """The fields of a table that the generated class reads as a vector, a text, a table or a union."""
    code = [key for key in vars(getattr(schema, name)) if not re.search("AsNumpy$|Length$|IsNone$|^Init|^Get", key)]
    fresh = getattr(schema, f"{name}T")()
    numbers = {key[0].upper() + key[1:] for key, value in vars(fresh).items() if value is not None}
    return [key for key in code if key[0] != "_" and not key.endswith("BufferHasIdentifier") and key not in numbers]


def test_the_schema_has_all_the_tables_that_are_listed():
    assert set(OFFSETS) <= set(TABLES)


@pytest.mark.parametrize("name", TABLES)
def test_every_offset_of_the_schema_is_listed(name):
    assert len(OFFSETS.get(name, {})) == len(offset_fields(name)), offset_fields(name)


def test_every_table_that_is_named_is_in_the_schema():
    kinds = {kind.strip("[]") for fields in OFFSETS.values() for kind in fields.values()}
    named = {kind for kind in kinds if not kind.isdigit() and kind != "text" and kind[0] != "|"}
    assert named <= set(TABLES)
    for union in (kind[1:] for kind in kinds if kind[0] == "|"):
        assert set(union_names(union).values()) - {"NONE"} <= set(TABLES)
