"""What trtexec exports, in its old and its new keys."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detlite.runtime.errors import InputError
from detlite.runtime.runners.trtexec import read_times

OLD = {"startInMs": 0, "inMs": 0.5, "computeMs": 3, "outMs": 0.25, "latencyMs": 3.75, "endToEndMs": 4}
NEW = {"startH2dMs": 0, "h2dMs": 0.5, "computeMs": 3, "d2hMs": 0.25, "latencyMs": 3.75}


def written(tmp_path, value):
    path = tmp_path / "times.json"
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    return path


@pytest.mark.parametrize("row", [OLD, NEW])
def test_times_are_read_by_stage(tmp_path, row):
    found = read_times(written(tmp_path, [row, row]))
    assert found == {
        "latency": [3750000] * 2,
        "input": [500000] * 2,
        "invoke": [3000000] * 2,
        "postprocess": [250000] * 2,
    }


@pytest.mark.parametrize(
    ("value", "error"),
    [
        ("[", "cannot be read as an export of trtexec"),
        ({}, "want a list"),
        ([], "want the list that trtexec --exportTimes writes"),
        ([{"computeMs": 1}], "with latencyMs in each entry"),
        ([{**NEW, "latencyMs": -1}], "holds the time -1; want milliseconds of 0 or more"),
        ([{**NEW, "latencyMs": 1e308}], "holds the time 1e.308; want milliseconds"),
        ([{**NEW, "latencyMs": "3"}], "holds the time '3'"),
        ([{**NEW, "latencyMs": float("nan")}], "it holds NaN"),
    ],
)
def test_what_is_no_export_is_refused(tmp_path, value, error):
    with pytest.raises(InputError, match=error):
        read_times(written(tmp_path, value))


@given(st.text(max_size=80))
def test_any_text_is_refused(tmp_path_factory, text):
    path = written(tmp_path_factory.mktemp("times"), text)
    with pytest.raises(InputError):
        read_times(path)
