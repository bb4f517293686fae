"""JSON from files and devices: what is taken, and the one error for all else."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detlite.runtime.errors import InputError
from detlite.runtime.strict_json import DEEPEST, load_json, parse_json

WHOLE = st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | WHOLE | st.text(),
    lambda part: st.lists(part, max_size=4) | st.dictionaries(st.text(), part, max_size=4),
)


@given(VALUES)
def test_what_python_writes_of_plain_values_is_read_back(value):
    assert parse_json(json.dumps(value)) == value
    assert parse_json(json.dumps(value, ensure_ascii=False).encode()) == value


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"[NaN]", "it holds NaN, which is not a number of JSON"),
        (b"[-Infinity]", "it holds -Infinity, which is not a number of JSON"),
        (b"[1e400]", "the number 1e400 is too large"),
        (b"[" + b"9" * 5000 + b"]", f"the number {'9' * 40} has over 64 bits"),
        (b"[18446744073709551616]", "the number 18446744073709551616 has over 64 bits"),
        (b'["\\ud800"]', "it holds \\ud800, half of a surrogate pair"),
        (b'{"\\uDFFF": 1}', "it holds \\udfff, half of a surrogate pair"),
        (b'["\xff"]', "it is not UTF-8: byte 2 is 0xff"),
        ("[1]".encode("utf-16"), "it is not UTF-8: byte 0 is 0xff"),
        (b'{"a": 1, "b": 2, "a": 3}', "it has the key 'a' twice in one object"),
        (b"[" * 100_000, "it is nested over 100 levels deep"),
        (b"[" * 101 + b"]" * 101, "it is nested over 100 levels deep"),
        (b"", "Expecting value: line 1 column 1 (char 0)"),
    ],
)
def test_other_json_is_an_input_error(data, said):
    with pytest.raises(InputError, match=f"^{re.escape(said)}$"):
        parse_json(data)


def test_a_value_of_the_deepest_nesting_is_read():
    assert str(parse_json(b"[" * DEEPEST + b"]" * DEEPEST)) == "[" * DEEPEST + "]" * DEEPEST


def test_a_surrogate_pair_is_one_character():
    assert parse_json('["\\ud83d\\ude00"]') == ["\U0001f600"]


def test_a_byte_order_mark_is_skipped():
    assert parse_json(b"\xef\xbb\xbf[1]") == [1]


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(InputError, match=f"^{re.escape(str(tmp_path))} cannot be read: Is a directory$"):
        load_json(tmp_path)


def test_a_file_that_is_not_json_is_named(tmp_path):
    (tmp_path / "a.json").write_bytes(b"[NaN]")
    with pytest.raises(InputError, match="a.json is not whole JSON: it holds NaN"):
        load_json(tmp_path / "a.json")
