"""TOML from files: what is taken, and the one error for all else."""

import pytest

from detlite.convert.files.strict_toml import parse_toml
from detlite.runtime.errors import InputError


def test_toml_is_read_with_and_without_a_byte_order_mark():
    assert parse_toml(b"a = [1, 2.5]\n[b]\nc = 'd'\n") == {"a": [1, 2.5], "b": {"c": "d"}}
    assert parse_toml(b"\xef\xbb\xbfa = 1") == {"a": 1}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"a = " + b"9" * 5000, "it holds an integer that does not fit in 64 bits"),
        (b"a = 0x" + b"f" * 5000, "it holds an integer that does not fit in 64 bits"),
        (b"a.b = [{c = 9223372036854775808}]", "it holds an integer that does not fit in 64 bits"),
        (b"a = nan", "it holds the number nan, which is too large or none"),
        (b"a = -inf", "it holds the number -inf, which is too large or none"),
        (b"a = 1e400", "it holds the number 1e400, which is too large or none"),
        (b"a = " + b"[" * 100_000, "it is nested too deeply"),
        (b'a = "\xff"', "it is not UTF-8: byte 5 is 0xff"),
        (b"a = 1\na = 2", "Cannot overwrite a value"),
    ],
)
def test_other_toml_is_an_input_error(data, said):
    with pytest.raises(InputError, match=f"^{said}"):
        parse_toml(data)
