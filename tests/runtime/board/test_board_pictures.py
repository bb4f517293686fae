"""Where a board draws its pictures: what cannot be is one line before any work."""

from pathlib import Path

import pytest

from detlite.runtime.board.draw import picture_files
from detlite.runtime.errors import InputError


def write(path: Path) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"it")
    return path


def test_an_image_that_is_missing_is_no_reason_to_fail_where_a_picture_has_its_name(tmp_path):
    picture = write(tmp_path / "drawn" / "a.jpg")
    assert picture_files([tmp_path / "a.jpg"], tmp_path / "drawn", force=True) == [picture]


@pytest.mark.parametrize("place", ["file", "file/drawn"])
def test_a_file_is_no_folder_for_pictures(tmp_path, place):
    write(tmp_path / "file")
    with pytest.raises(InputError, match=f"--draw needs a folder, and .*{place} is a file or in one: choose another"):
        picture_files([tmp_path / "a.jpg"], tmp_path / place, force=True)


def test_a_folder_with_the_name_of_a_picture_is_not_replaced(tmp_path):
    (tmp_path / "drawn" / "a.jpg").mkdir(parents=True)
    with pytest.raises(InputError, match="a.jpg is a folder, which no picture replaces: draw to another folder"):
        picture_files([tmp_path / "a.jpg"], tmp_path / "drawn", force=True)


def test_the_image_itself_is_not_replaced(tmp_path):
    image = write(tmp_path / "a.jpg")
    with pytest.raises(InputError, match="a.jpg is the image itself: draw to another folder"):
        picture_files([image], tmp_path, force=True)
