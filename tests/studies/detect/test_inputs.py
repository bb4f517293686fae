"""What `detlite detect` takes, and where the pictures go."""

from pathlib import Path

import pytest
from builders.model_files import write_photos

from detlite.runtime.errors import InputError
from detlite.studies.detect.inputs import inputs_in, with_pictures


@pytest.fixture
def photos(tmp_path):
    write_photos(tmp_path / "photos", 2)
    write_photos(tmp_path / "photos" / "more", 1)
    return tmp_path / "photos"


def names(inputs):
    return [str(one.name) for one in inputs]


def test_a_folder_gives_its_images_with_those_of_its_sub_folders(photos):
    assert names(inputs_in([photos])) == ["0.png", "1.png", "more/0.png"]


def test_a_folder_gives_its_videos_too(photos):
    (photos / "clip.MP4").write_bytes(b"")
    found = inputs_in([photos])
    assert names(found) == ["0.png", "1.png", "clip.MP4", "more/0.png"]
    assert [one.is_video for one in found] == [False, False, True, False]


def test_a_folder_of_videos_alone_is_taken(tmp_path):
    (tmp_path / "clip.webm").write_bytes(b"")
    assert names(inputs_in([tmp_path])) == ["clip.webm"]


def test_a_list_gives_the_images_that_it_names(photos):
    (photos / "some.txt").write_text("# two\n1.png\nmore/0.png\n")
    assert names(inputs_in([photos / "some.txt"])) == ["1.png", "0.png"]


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(InputError, match="holds no image"):
        inputs_in([tmp_path])


def test_a_path_that_does_not_exist_is_named(tmp_path):
    with pytest.raises(InputError, match=r"gone.jpg does not exist: give an image, a folder of images, or a video"):
        inputs_in([tmp_path / "gone.jpg"])


def test_pictures_keep_their_place_below_the_folder(photos, tmp_path):
    placed = with_pictures(inputs_in([photos]), tmp_path / "out", force=False)
    assert [str(one.picture.relative_to(tmp_path)) for one in placed] == ["out/0.png", "out/1.png", "out/more/0.png"]
    assert (tmp_path / "out" / "more").is_dir()


@pytest.mark.parametrize(
    ("name", "picture"), [("a.JPG", "a.JPG"), ("a.npy", "a.png"), ("a.tiff", "a.png"), ("a.mkv", "a.mp4")]
)
def test_what_a_picture_is_called_follows_its_input(tmp_path, name, picture):
    (tmp_path / name).write_bytes(b"")
    (placed,) = with_pictures(inputs_in([tmp_path / name]), tmp_path / "out", force=False)
    assert placed.picture == tmp_path / "out" / picture


def test_one_image_can_be_drawn_to_one_file(photos, tmp_path):
    (placed,) = with_pictures(inputs_in([photos / "0.png"]), tmp_path / "found.jpg", force=False)
    assert placed.picture == tmp_path / "found.jpg"


def test_several_images_are_not_drawn_to_one_file(photos, tmp_path):
    with pytest.raises(InputError, match=r"found.jpg is one file, and there are 3 inputs: give a folder"):
        with_pictures(inputs_in([photos]), tmp_path / "found.jpg", force=False)


def test_a_suffix_that_is_no_picture_is_refused(photos, tmp_path):
    with pytest.raises(InputError, match=r"has the suffix '.pdf'; give a folder, or a file with .jpg, .jpeg, .png"):
        with_pictures(inputs_in([photos / "0.png"]), tmp_path / "found.pdf", force=False)


def test_two_inputs_with_one_picture_are_refused(photos, tmp_path):
    with pytest.raises(InputError, match=r"would both be drawn to .*0.png: rename one"):
        with_pictures(inputs_in([photos / "0.png", photos / "more" / "0.png"]), tmp_path / "out", force=False)


def test_a_picture_that_exists_is_kept_without_force(photos, tmp_path):
    inputs = inputs_in([photos / "0.png"])
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "0.png").write_bytes(b"mine")
    with pytest.raises(InputError, match=r"0.png exists already; choose another folder, or pass --force"):
        with_pictures(inputs, tmp_path / "out", force=False)
    assert with_pictures(inputs, tmp_path / "out", force=True)


def test_an_image_is_never_drawn_over_itself(photos):
    with pytest.raises(InputError, match="is the image itself: draw to another folder"):
        with_pictures(inputs_in([photos]), photos, force=True)


def test_a_place_that_cannot_be_written_is_refused_before_any_work(photos, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written: Not a directory"):
        with_pictures(inputs_in([photos]), Path(tmp_path / "file" / "out"), force=False)
