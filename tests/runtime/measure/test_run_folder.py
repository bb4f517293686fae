"""A run on the disk, whole, cut and damaged."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detlite.runtime.errors import InputError
from detlite.runtime.measure.run_folder import HEADER, Appender, read_json, read_rows, write_json

LINE = "0\t3\t0\t10\t1\t20\t2\t33\n"


def table(tmp_path, text):
    path = tmp_path / "samples.tsv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_samples_are_read_as_they_were_written(tmp_path):
    file = Appender(tmp_path / "samples.tsv")
    file.write(LINE.encode())
    file.close()
    rows = read_rows(tmp_path / "samples.tsv")
    assert (rows.query.tolist(), rows.sample.tolist(), rows.latency_ns.tolist()) == ([0], [3], [33])


@given(cut=st.integers(1, len(LINE)))
def test_a_last_line_that_was_cut_is_left_out(tmp_path_factory, cut):
    path = table(tmp_path_factory.mktemp("run"), HEADER + 2 * LINE + LINE[:-cut])
    assert len(read_rows(path)) == 2


def test_a_file_that_is_not_there_holds_nothing(tmp_path):
    assert len(read_rows(tmp_path / "samples.tsv")) == 0
    assert read_json(tmp_path / "ended.json") is None


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("a\tb\n" + LINE, "is not a table of samples: its first line is b'a.tb'"),
        (b"\xff\xfe\n", "is not a table of samples"),
        (HEADER + "0\t3\t0\n", "is damaged: cannot reshape"),
        (HEADER + LINE.replace("33", "x"), "is damaged: invalid literal"),
        (HEADER + LINE.replace("33", "9" * 30), "is damaged: "),
    ],
)
def test_a_damaged_table_is_refused(tmp_path, text, error):
    with pytest.raises(InputError, match=error):
        read_rows(table(tmp_path, text))


@pytest.mark.parametrize("text", ["{", "[1]", '"x"', "[" * 100_000])
def test_a_damaged_record_is_refused(tmp_path, text):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(InputError, match="cannot be read|is not such a record"):
        read_json(tmp_path / "a.json")


def test_a_record_is_written_whole_or_not_at_all(tmp_path):
    write_json(tmp_path / "a.json", {"one": 1})
    with pytest.raises(ValueError, match="Out of range"):
        write_json(tmp_path / "a.json", {"one": float("nan")})
    assert read_json(tmp_path / "a.json") == {"one": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]
