"""Dataclasses as records, and back."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detlite.runtime.errors import InputError
from detlite.runtime.records import from_record, to_record


@dataclass(frozen=True)
class Part:
    size: int
    share: float = 0.5


@dataclass(frozen=True)
class Whole:
    name: str
    parts: tuple[Part, ...]
    ends: tuple[float, float] = (0.0, 1.0)
    best: Part | None = None
    good: bool = True
    facts: Mapping[str, Any] = field(default_factory=dict)
    rates: Mapping[str, float] = field(default_factory=dict)
    file: "Path | None" = None


WHOLE = Whole("a", (Part(1), Part(2, 0.25)), (1.0, 2.0), Part(3), False, {"x": [1]}, {"p": 1.5}, Path("a/b"))


def test_what_is_written_is_read():
    assert from_record(Whole, json.loads(json.dumps(to_record(WHOLE)))) == WHOLE


@given(st.builds(Part, st.integers(-(10**9), 10**9), st.floats(-1e9, 1e9)))
def test_any_numbers_come_back(part):
    assert from_record(Part, json.loads(json.dumps(to_record(part)))) == part


def test_what_a_record_does_not_have_is_as_the_type_says():
    assert from_record(Whole, {"name": "a", "parts": []}) == Whole("a", ())


def test_what_the_type_does_not_know_is_left_out():
    assert from_record(Part, {"size": 1, "later": 2}) == Part(1)


@pytest.mark.parametrize(
    ("record", "text"),
    [
        ([], "the record holds '\\[\\]', want an object"),
        ({}, "it lacks name"),
        ({"name": 3, "parts": []}, "name holds '3', want a text"),
        ({"name": "a", "parts": {}}, "parts holds '{}', want a list"),
        ({"name": "a", "parts": [{"size": 1}, {}]}, r"it lacks parts\[1\].size"),
        ({"name": "a", "parts": [{"size": 1.5}]}, r"parts\[0\].size holds '1.5', want a whole number"),
        ({"name": "a", "parts": [{"size": True}]}, "want a whole number"),
        ({"name": "a", "parts": [{"size": 1, "share": "x"}]}, "share holds 'x', want a number"),
        ({"name": "a", "parts": [{"size": 1, "share": 10**19}]}, "want a number"),
        ({"name": "a", "parts": [{"size": 1, "share": float("nan")}]}, "want a number"),
        ({"name": "a", "parts": [], "ends": [1.0]}, "want a list of 2"),
        ({"name": "a", "parts": [], "best": 3}, "best holds '3', want an object"),
        ({"name": "a", "parts": [], "good": 1}, "good holds '1', want true or false"),
        ({"name": "a", "parts": [], "rates": {"p": None}}, "rates.p holds 'None', want a number"),
        ({"name": "a", "parts": [], "rates": 3}, "rates holds '3', want an object"),
    ],
)
def test_a_value_of_another_type_is_named_by_its_place(record, text):
    with pytest.raises(InputError, match=text):
        from_record(Whole, record)
