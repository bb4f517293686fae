"""Which files of a folder are images: the one rule of the workstation and the board."""

import subprocess
import sys

import numpy as np
import pytest
from builders.image_files import encoded
from PIL import Image

from detlite.accuracy.images import images_in
from detlite.runtime.errors import InputError
from detlite.runtime.image.files import SUFFIXES, folder_images, skipped_notice
from detlite.runtime.image.read import read_image


def write(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"")
    return folder


def names_in(folder):
    return [str(path.relative_to(folder)) for path in folder_images(folder).paths]


def test_images_are_sorted_by_path_and_sub_folders_are_entered(tmp_path):
    write(tmp_path, "b.jpg", "sub/c.png", "a.JPEG", "sub/deep/d.gif")
    assert names_in(tmp_path) == ["a.JPEG", "b.jpg", "sub/c.png", "sub/deep/d.gif"]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_suffix_marks_an_image_in_either_case(tmp_path, suffix):
    write(tmp_path, f"a{suffix}", f"b{suffix.upper()}")
    assert names_in(tmp_path) == [f"a{suffix}", f"b{suffix.upper()}"]


def test_other_files_are_skipped_and_named(tmp_path):
    write(tmp_path, "a.jpg", "notes.txt", "sub/clip.mp4")
    found = folder_images(tmp_path)
    assert found.skipped == (tmp_path / "notes.txt", tmp_path / "sub/clip.mp4")
    text = "photos: 2 files are not images and were skipped: notes.txt, clip.mp4"
    assert str(skipped_notice(tmp_path, found.skipped)).endswith(text.removeprefix("photos"))


def test_a_notice_names_three_files_at_most(tmp_path):
    many = tuple(tmp_path / f"{number}.txt" for number in range(9))
    assert str(skipped_notice(tmp_path, many)).endswith(
        "9 files are not images and were skipped: 0.txt, 1.txt, 2.txt, ..."
    )
    assert skipped_notice(tmp_path, many[:1]) == f"{tmp_path}: 1 file is not an image and was skipped: 0.txt"
    assert skipped_notice(tmp_path, ()) is None


def test_heic_photographs_are_counted_and_called_that(tmp_path):
    write(tmp_path, "a.jpg", "notes.txt", "IMG_1.HEIC", "IMG_2.heif")
    said = str(skipped_notice(tmp_path, folder_images(tmp_path).skipped))
    assert "1 file is not an image and was skipped: notes.txt; 2 HEIC photographs were skipped: IMG_1.HEIC," in said
    assert "convert to JPEG" in said


def test_a_folder_of_heic_photographs_alone_says_what_to_do(tmp_path):
    write(tmp_path, "IMG_1.HEIC", "IMG_2.HEIC")
    with pytest.raises(InputError, match="holds no image but 2 HEIC photographs, which are not read: convert to"):
        folder_images(tmp_path)


@pytest.mark.parametrize("name", ["IMG_1.heic", "really.jpg"])
def test_a_heic_photograph_is_called_that_whatever_its_name(tmp_path, name):
    (tmp_path / name).write_bytes(b"\0\0\0\x18ftypheic" + bytes(100))
    with pytest.raises(InputError, match=f"{name} is a HEIC photograph, which is not read: convert to JPEG"):
        read_image(tmp_path / name)


def test_hidden_files_are_no_images_and_hidden_folders_are_not_entered(tmp_path):
    write(tmp_path, "a.jpg", "._a.jpg", ".thumbnails/a.jpg")
    assert folder_images(tmp_path).paths == (tmp_path / "a.jpg",)


def test_links_to_folders_are_not_followed(tmp_path):
    write(tmp_path, "a.jpg")
    (tmp_path / "again").symlink_to(tmp_path, target_is_directory=True)
    assert names_in(tmp_path) == ["a.jpg"]


def test_a_folder_without_images_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"holds no image; give files that end in \.jpg"):
        folder_images(write(tmp_path, "a.txt"))


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(InputError, match="absent cannot be read as a folder of images: No such file"):
        folder_images(tmp_path / "absent")


def test_the_first_frame_of_a_gif_is_read(tmp_path):
    frames = [Image.new("RGB", (4, 3), (shade, shade, shade)) for shade in (0, 255)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    np.testing.assert_array_equal(read_image(tmp_path / "a.gif"), np.zeros((3, 4, 3), np.uint8))


def test_one_image_file_is_that_image(tmp_path):
    (tmp_path / "a.png").write_bytes(encoded(1))
    assert images_in(tmp_path / "a.png").paths == (tmp_path / "a.png",)


def test_the_workstation_takes_the_images_that_the_board_takes(tmp_path):
    write(tmp_path, "b.jpg", "sub/a.npy", "c.gif", "notes.txt")
    program = "import sys; from pathlib import Path; from detlite.runtime.image.files import folder_images as found\n"
    program += "print(*found(Path(sys.argv[1])).paths, sep='\\n')"
    done = subprocess.run([sys.executable, "-c", program, tmp_path], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(path) for path in images_in(tmp_path).paths]
