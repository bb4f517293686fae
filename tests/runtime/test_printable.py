"""Control characters in text from files."""

import pytest
from builders.tiny_tflite import save_tiny
from hypothesis import given
from hypothesis import strategies as st

from detlite.cli import main
from detlite.runtime.printable import CONTROLS, printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "\\u001b[31mred\\u001b[0m"),
        ("a\x07b\x7fc\x9bd", "a\\u0007b\\u007fc\\u009bd"),
        ("over\rwritten", "over\\u000dwritten"),
        ("exe\u202etxt", "exe\\u202etxt"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("Straße, 猫, 👩‍🚀", "Straße, 猫, 👩‍🚀"),
    ],
)
def test_control_characters_are_shown_and_others_are_left(text, shown):
    assert printable(text) == shown


@given(st.text())
def test_what_was_made_printable_stays_as_it_is(text):
    assert printable(printable(text)) == printable(text)


def test_a_command_does_not_pass_on_the_escapes_of_a_files_name(tmp_path, capsys):
    assert main(["inspect", str(tmp_path / "a\x1b]0;title\x07.pb")]) == 2
    said = capsys.readouterr()
    assert "a\\u001b]0;title\\u0007.pb" in said.err
    assert not CONTROLS.search(said.out + said.err)


def test_a_command_does_not_pass_on_the_escapes_of_a_label(tmp_path, capsys):
    folder = save_tiny(tmp_path / "tiny").model.parent
    contract = folder / "contract.json"
    contract.write_text(contract.read_text().replace("class 1", "class\\u001b[2J"))
    assert main(["inspect", str(folder)]) == 0
    said = capsys.readouterr()
    assert not CONTROLS.search(said.out + said.err)
