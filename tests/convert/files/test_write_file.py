"""A new file is checked for before any work, and written whole."""

import pytest

from detlite.convert.files.write_file import prepare_new_file, write_file
from detlite.runtime.errors import InputError


def test_the_folder_of_a_new_file_is_not_made(tmp_path):
    with pytest.raises(InputError, match=r"new\.json: No such file or directory; choose another place"):
        prepare_new_file(tmp_path / "none" / "new.json")
    assert list(tmp_path.iterdir()) == []


def test_a_check_for_a_new_file_leaves_no_trace(tmp_path):
    prepare_new_file(tmp_path / "new.json")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_exists_is_not_replaced_by_a_new_one(tmp_path):
    (tmp_path / "old.json").write_text("mine")
    with pytest.raises(InputError, match=r"old\.json exists already: remove it, or choose another file"):
        prepare_new_file(tmp_path / "old.json")
    assert (tmp_path / "old.json").read_text() == "mine"


def test_a_written_file_is_alone_in_its_folder(tmp_path):
    write_file(tmp_path / "new.json", b"{}")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("new.json", b"{}")]
