"""The lines of the keys of a TOML file."""

import pytest

from detlite.convert.files.toml_lines import lines_of


@pytest.mark.parametrize(
    ("text", "place", "line"),
    [
        ("a = 1\n[t]\nb = 2", ("t", "b"), 3),
        ('[models."v1.0"]\npath = "a"', ("models", "v1.0", "path"), 2),
        ('note = """\n[t]\nb = 1\n"""\n[t]\nb = 2', ("t", "b"), 6),
        ("note = '''\n[t]'''\nb = 2", ("b",), 3),
        ("[t]\nlist = [\n  [1],\n  # c = 1\n]\nb = 2", ("t", "b"), 6),
        ("options.b = 1", ("options", "b"), 1),
        ("options.b = 1", ("options",), 1),
        ('"a\\u0062" = 1', ("ab",), 1),
        ("[[rule]]\na = 1\n[[rule]]\na = 2", ("rule", "1", "a"), 4),
        ("[[rule]]\na = 1\n[[rule]]\na = 2", ("rule",), 1),
        ("[[rule]]\n[rule.more]\na = 1", ("rule", "0", "more", "a"), 3),
        ("a = 1 # it's\r\n\r\nb = 2", ("b",), 3),
        ('a = "\u2028"\nb = 2', ("b",), 2),
    ],
)
def test_the_line_of_a_key_is_where_it_begins(text, place, line):
    assert lines_of(text)[place] == line


def test_keys_in_texts_and_arrays_are_none():
    assert lines_of('a = """\n[t]\nb = 1"""\nc = [\n  [1],\n]') == {("a",): 1, ("c",): 4}
