"""Of any damaged text a parser says that it is damaged, or reads the numbers that stand there: never others."""

import contextlib
import time
from dataclasses import asdict

import pytest
from builders.damaged import numbers, silently_wrong
from builders.device_texts import TEXTS
from hypothesis import given, settings
from hypothesis import strategies as st

from detlite.devices.recording import format_called, format_names, formats_of
from detlite.runtime.errors import InputError

GARBAGE = ("\0", "?", "x", "\ufffd", "#")  # no digit: one digit in place of another is a number that nobody can doubt
KINDS = sorted(TEXTS)
MOST_PLACES = 250


def places(text: str) -> range:
    return range(0, len(text), 1 + len(text) // MOST_PLACES)


def test_every_format_has_a_text_here():
    assert set(KINDS) == set(format_names())


@pytest.mark.parametrize("kind", KINDS)
def test_a_whole_text_is_recognized_and_read_without_a_problem(kind):
    assert kind in formats_of(TEXTS[kind])
    assert [part.problems for part in format_called(kind).parse(TEXTS[kind]) if part.problems] == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_text_cut_at_any_place_is_an_error_or_says_so_or_is_right(kind):
    text = TEXTS[kind]
    wrong = [end for end in places(text) if silently_wrong(kind, text[:end], text)]
    assert wrong == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_text_that_begins_late_is_an_error_or_says_so_or_is_right(kind):
    text = TEXTS[kind]
    wrong = [begin for begin in places(text) if silently_wrong(kind, text[begin:], text)]
    assert wrong == []


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_no_garbled_character_makes_another_number(data):
    kind = data.draw(st.sampled_from(KINDS))
    text = TEXTS[kind].replace("PMIC@100C ", "")  # with another name its constant would count
    place = data.draw(st.integers(0, len(text) - 1))
    garbled = text[:place] + data.draw(st.sampled_from(GARBAGE)) + text[place + 1 :]
    assert silently_wrong(kind, garbled, text) == []


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_a_lost_line_is_an_error_or_leaves_only_numbers_that_were_there(data):
    kind = data.draw(st.sampled_from(KINDS))
    lines = TEXTS[kind].splitlines(keepends=True)
    lost = data.draw(st.integers(0, len(lines) - 1))
    assert silently_wrong(kind, "".join(lines[:lost] + lines[lost + 1 :]), TEXTS[kind]) == []


@settings(max_examples=200, deadline=None)
@given(kind=st.sampled_from(KINDS), text=st.text(max_size=300))
def test_no_text_at_all_ends_in_a_traceback(kind, text):
    assert isinstance(formats_of(text), tuple)
    try:
        format_called(kind).parse(text)
    except InputError as error:
        assert "expected" in str(error) or "not JSON" in str(error)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("huge", ["9" * 5000, "1e999", "-1", "nan"])
def test_an_absurd_number_is_not_believed(kind, huge):
    text = TEXTS[kind]
    first = next(place for place in range(len(text)) if text[place].isdigit())
    try:
        parts = format_called(kind).parse(text[:first] + huge + text[first + 1 :])
    except InputError:
        return
    assert all(abs(number) < 1e18 for part in parts for number in numbers(asdict(part)))


def test_bytes_that_are_no_text_are_read_as_far_as_they_are(tmp_path):
    from detlite.devices.recording import read_recording

    (tmp_path / "log").write_bytes(TEXTS["nvpmodel"].encode().replace(b"WARN", b"\xff\xfe\x00"))
    assert read_recording(tmp_path / "log")["nvpmodel"][0]["number"] == 2


@pytest.mark.parametrize(
    "line", ["=", "count=1 ", "RAM 1/2MB CPU [", "[ro.a]: [", "a: ", "[[", '{"name" : ', "pixel-thermal:"]
)
def test_a_line_of_a_hundred_thousand_characters_is_read_within_a_second(line):
    """What takes four times as long for twice the text would take hours for a large file."""
    text = line * (100_000 // len(line))
    for kind in KINDS:
        begin = time.process_time()
        formats_of(text)
        with contextlib.suppress(InputError):
            format_called(kind).parse(text)
        assert time.process_time() - begin < 1
