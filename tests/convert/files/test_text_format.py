"""Reading protobuf text format, including what only tolerant parsers accept."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detlite.convert.files.text_format import MAX_BYTES, Message, parse_text_format, read_text_format
from detlite.runtime.errors import InputError


def fields_of(text: str) -> list:
    return [(name, value) for name, value, _line in parse_text_format(text, "x").fields]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: 1", 1),
        ("a: .04", 0.04),
        ("a: 4.", 4.0),
        ("a: 8e-2", 0.08),
        ("a: -3", -3),
        ("a: true", True),
        ("a: RELU_6", "RELU_6"),
        ("a: 1.5f", 1.5),
        ("a: -inf", float("-inf")),
        ("a: 0x10", 16),
        ("a: 010", 8),
        ("a: 1_000", "1_000"),
        ("a: '12'", "12"),
        (r"a: 'caf\303\251'", "café"),
        (r"a: 'caf\u00e9\x21\n'", "café!\n"),
        (r"a: 'it\'s \\'", "it's \\"),
    ],
)
def test_a_scalar_is_read(text, value):
    assert fields_of(text) == [("a", value)]


@pytest.mark.parametrize("text", ["a: 'x' b: 2", 'a: "x", b: 2,', "a: 'x'; b: 2;", "a:'x' # note\nb:2"])
def test_quotes_commas_semicolons_and_comments_make_no_difference(text):
    assert fields_of(text) == [("a", "x"), ("b", 2)]


def test_a_list_is_a_field_repeated():
    assert fields_of("r: [1.0, 2.0, 0.5]") == [("r", 1.0), ("r", 2.0), ("r", 0.5)]


def test_a_list_of_one_name_is_no_extension():
    assert fields_of("kind: [BOX]") == [("kind", "BOX")]


def test_neighbouring_strings_are_one():
    assert fields_of('a: "x" "y"') == [("a", "xy")]


@pytest.mark.parametrize("text", ["m { a: 1 }", "m: { a: 1 }", "m < a: 1 >"])
def test_a_message_is_read_in_every_spelling(text):
    assert parse_text_format(text, "x").message("m").scalar("a") == 1


def test_an_extension_field_is_read():
    assert parse_text_format("[a.b.c] { d: 1 }", "x").message("a.b.c").scalar("d") == 1


def test_a_field_keeps_its_line():
    assert parse_text_format("a: 1\n\nb: 2", "x").fields[1] == ("b", 2, 3)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("a {", "p.config, line 1: want a field or '}', got the end of the file"),
        ("a: 1\nb 2", "p.config, line 2: want a colon or a brace after b, got '2'"),
        ("a: }", "p.config, line 1: want a value, got '}'"),
        ("\x00\x01", "p.config, line 1: .* is not protobuf text format"),
        ("a: 'never closed", "p.config, line 1: .* is not protobuf text format"),
        ("a {" * 100, "at most 64 nested messages"),
    ],
)
def test_what_is_no_text_format_is_named_with_its_line(text, error):
    with pytest.raises(InputError, match=error):
        parse_text_format(text, "p.config")


def test_a_token_in_an_error_is_cut_short():
    with pytest.raises(InputError) as caught:
        parse_text_format("a " + "x" * 1000, "p.config")
    assert len(str(caught.value)) < 120


def test_a_byte_order_mark_is_no_field(tmp_path):
    path = tmp_path / "p.config"
    path.write_bytes(b"\xef\xbb\xbfa: 1")
    assert read_text_format(path).scalar("a") == 1


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"a: 'caf\xe9'", "p.config is not text: byte 7 is not UTF-8"),
        (b"\x08\x01\x12", "p.config, line 1: .* is not protobuf text format"),
        (b"#" * (MAX_BYTES + 1), "p.config has more than 4000000 bytes"),
    ],
)
def test_a_file_that_is_no_text_is_named(tmp_path, data, error):
    path = tmp_path / "p.config"
    path.write_bytes(data)
    with pytest.raises(InputError, match=error):
        read_text_format(path)


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(InputError, match="is not a file; want protobuf text format"):
        read_text_format(tmp_path)


@given(st.text())
def test_any_text_gives_a_message_or_one_input_error(text):
    try:
        assert isinstance(parse_text_format(text, "x"), Message)
    except InputError as error:
        assert str(error).startswith("x, line")


@pytest.mark.data
def test_every_public_config_and_label_map_is_read(shared_data):
    files = [*shared_data.rglob("*.config"), *shared_data.rglob("*.pbtxt")]
    assert len(files) >= 80
    for file in files:
        assert parse_text_format(file.read_text(encoding="utf-8"), file.name).fields
