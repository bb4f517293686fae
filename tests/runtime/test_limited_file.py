"""A file that a user gives is read up to its limit, and no further."""

from pathlib import Path

import pytest

from detlite.runtime.errors import InputError
from detlite.runtime.limited_file import read_limited


@pytest.mark.parametrize("data", [b"", b"abc", b"abcd"])
def test_a_file_within_the_limit_is_read_whole(tmp_path, data):
    (tmp_path / "a").write_bytes(data)
    assert read_limited(tmp_path / "a", "a job", 4) == data


def test_a_file_over_the_limit_is_refused(tmp_path):
    (tmp_path / "a").write_bytes(b"abcde")
    with pytest.raises(InputError, match=r"a has over 4 bytes: it is not a job"):
        read_limited(tmp_path / "a", "a job", 4)


def test_a_device_without_an_end_is_refused():
    with pytest.raises(InputError, match=r"/dev/zero has over 100 bytes: it is not an inventory"):
        read_limited(Path("/dev/zero"), "an inventory", 100)


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(InputError, match=r"a cannot be read as a list of classes: No such file or directory"):
        read_limited(tmp_path / "a", "a list of classes", 4)
