"""Control characters in text from files."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detlite.runtime.printable import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "\\u001b[31mred\\u001b[0m"),
        ("a\x07b\x7fc\x9bd", "a\\u0007b\\u007fc\\u009bd"),
        ("over\rwritten", "over\\u000dwritten"),
        ("exe\u202etxt\u061c", "exe\\u202etxt\\u061c"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("Straße, 猫, 👩‍🚀", "Straße, 猫, 👩‍🚀"),
    ],
)
def test_control_characters_are_shown_and_others_are_left(text, shown):
    assert printable(text) == shown


@given(st.text())
def test_what_was_made_printable_stays_as_it_is(text):
    assert printable(printable(text)) == printable(text)
