"""The range file: the same text for the same ranges, and nothing else is taken for one."""

import hashlib
import json

import pytest

from detlite.calibration.ranges.ranges import Range, Ranges, read_ranges
from detlite.runtime.errors import InputError

SHA = hashlib.sha256(b"model").hexdigest()
RANGES = Ranges({"image": Range(-1, 1), "a": Range(0, 6)}, SHA, "0" * 64, 16, "mean_min_max")
TEXT = f"""{{
 "schema": "detlite.ranges",
 "schema_version": 1,
 "model_sha256": "{SHA}",
 "images_sha256": "{"0" * 64}",
 "image_count": 16,
 "estimator": "mean_min_max",
 "tensors": {{
  "image": [-1, 1],
  "a": [0, 6]
 }}
}}
"""


def test_a_range_file_has_one_line_for_each_tensor():
    assert RANGES.to_json() == TEXT


def test_a_range_file_is_read_back(tmp_path):
    (tmp_path / "ranges.json").write_text(TEXT)
    assert read_ranges(tmp_path / "ranges.json") == RANGES


def test_ranges_of_another_model_are_refused():
    with pytest.raises(InputError, match="the ranges belong to another model: its sha256 is 9372c470"):
        RANGES.check_model(b"another model")


def test_ranges_of_the_same_model_are_taken():
    RANGES.check_model(b"model")


@pytest.mark.parametrize(
    ("low", "said"),
    [
        ("7", "want two finite numbers"),
        ("NaN", "it holds NaN"),
        ("-Infinity", "it holds -Infinity"),
        ("9" * 400, "has over 64 bits"),
    ],
)
def test_a_range_that_is_none_is_refused(tmp_path, low, said):
    (tmp_path / "ranges.json").write_text(TEXT.replace("[0, 6]", f"[{low}, 6]"))
    with pytest.raises(InputError, match=f"ranges.json is not a range file of detlite: .*{said}"):
        read_ranges(tmp_path / "ranges.json")


@pytest.mark.parametrize(
    "text",
    ["", "[]", "null", "{}", TEXT[:200], TEXT.replace("detlite.ranges", "other"), json.dumps({"a": 1}), "[" * 100_000],
)
def test_what_is_no_range_file_is_refused(tmp_path, text):
    (tmp_path / "ranges.json").write_text(text)
    with pytest.raises(InputError, match=r"ranges.json is not a range file of detlite"):
        read_ranges(tmp_path / "ranges.json")


def test_a_range_file_that_is_not_there_is_asked_for(tmp_path):
    with pytest.raises(InputError, match=r"there is no range file .*gone.json: give the ranges.json"):
        read_ranges(tmp_path / "gone.json")
