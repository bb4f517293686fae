"""A file that lists images: read, and what is no such list is refused."""

import pytest

from detlite.accuracy.images import images_in
from detlite.runtime.errors import InputError


def test_a_list_names_images_beside_it(tmp_path):
    (tmp_path / "a.png").write_bytes(b"")
    (tmp_path / "list.txt").write_text("# mine\n\na.png\n")
    assert images_in(tmp_path / "list.txt").paths == (tmp_path / "a.png",)


def test_an_image_that_is_not_there_is_named(tmp_path):
    (tmp_path / "list.txt").write_text("a.png\nb.png\n")
    with pytest.raises(InputError, match=r"2 of the 2 images that .*list\.txt names are not there; .*a\.png$"):
        images_in(tmp_path / "list.txt")


def test_a_line_that_no_file_can_be_called_is_refused(tmp_path):
    (tmp_path / "instances.json").write_text('{"images": [' + "1, " * 9999 + "1]}")
    with pytest.raises(InputError, match=r"1 of the 1 image that .*instances\.json names is not there") as caught:
        images_in(tmp_path / "instances.json")
    assert len(str(caught.value)) < 600


def test_skipped_files_come_with_the_images(tmp_path):
    for name in ("a.png", "notes.txt"):
        (tmp_path / name).write_bytes(b"")
    images = images_in(tmp_path)
    assert (images.paths, images.skipped) == ((tmp_path / "a.png",), (tmp_path / "notes.txt",))
