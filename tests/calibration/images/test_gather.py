"""From a source to the files to calibrate with, and what is said of images that will not do."""

import json
import tracemalloc

import numpy as np
import pytest
from builders.image_files import encoded, labelled_example, picture, record, save_oriented, write_tar
from PIL import Image

from detlite.accuracy.images import images_in
from detlite.calibration.images.gather import CHOICES, ImageRequest, gather
from detlite.calibration.images.image_cache import ImageCache
from detlite.calibration.images.thumbnail import cached_thumbnails, contrast, thumbnail
from detlite.runtime.artifact import sha256_of
from detlite.runtime.errors import InputError, UnknownNameError
from detlite.runtime.image.read import read_image


@pytest.fixture
def keep(tmp_path):
    return ImageCache(tmp_path / "kept")


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "images"
    made.mkdir()
    for number in range(20):
        (made / f"{number:02d}.png").write_bytes(encoded(number))
    return made


@pytest.fixture
def tar(tmp_path):
    return write_tar(tmp_path / "images.tar", [(f"{number:02d}.png", encoded(number)) for number in range(20)])


def files(path):
    return sorted(one for one in path.rglob("*") if one.is_file())


def test_images_with_files_of_their_own_stay_where_they_are(folder, keep):
    found = gather(ImageRequest("images", (folder,), 4), keep)
    assert {path.parent for path in found.images.paths} == {folder}
    assert not keep.folder.exists()


def test_the_choice_stands_in_the_origin(folder, keep):
    assert gather(ImageRequest("images", (folder,), 4, seed=3), keep).images.origin == (
        "4 of 20 (stratified, seed 3): images images"
    )


@pytest.mark.parametrize("choice", CHOICES)
def test_the_same_wish_gives_the_same_images(folder, keep, choice):
    wish = ImageRequest("images", (folder,), 6, seed=2, choice=choice)
    assert gather(wish, keep) == gather(wish, keep)


def test_the_first_are_the_first_by_name(folder, keep):
    found = gather(ImageRequest("images", (folder,), 3, choice="first"), keep)
    assert [path.name for path in found.images.paths] == ["00.png", "01.png", "02.png"]


def test_others_are_none_of_the_first(folder, keep):
    found = gather(ImageRequest("images", (folder,), 6, others=50), keep)
    assert len(found.others) == 14
    assert not set(found.others) & set(found.images.paths)


def test_images_inside_of_a_file_are_kept_by_their_content(tar, keep):
    found = gather(ImageRequest("tar", (tar,), 3, choice="first"), keep)
    assert [path.read_bytes() for path in found.images.paths] == [encoded(number) for number in range(3)]
    assert [path.stem for path in found.images.paths] == [sha256_of(path) for path in found.images.paths]


def test_only_what_was_chosen_is_taken_out_of_a_tar(tar, keep):
    gather(ImageRequest("tar", (tar,), 3), keep)
    assert len(files(keep.folder / "images")) == 3


def test_a_tar_and_a_folder_of_the_same_images_have_one_digest(folder, tar, keep):
    one, other = (gather(ImageRequest(name, (path,), 6), keep) for name, path in (("images", folder), ("tar", tar)))
    assert one.images.digest() == other.images.digest()


def test_a_choice_that_was_made_is_not_made_again(tar, keep):
    found = gather(ImageRequest("tar", (tar,), 3), keep)
    times = {path: path.stat().st_mtime_ns for path in files(keep.folder)}
    assert gather(ImageRequest("tar", (tar,), 3), keep) == found
    assert {path: path.stat().st_mtime_ns for path in files(keep.folder)} == times


def test_a_kept_image_that_was_changed_is_taken_anew(tar, keep):
    found = gather(ImageRequest("tar", (tar,), 3), keep)
    found.images.paths[0].write_bytes(b"another")
    assert gather(ImageRequest("tar", (tar,), 3), keep).images.paths[0].read_bytes() != b"another"


@pytest.mark.parametrize("content", [b"", b"[]", b'{"images": 3}'])
def test_a_kept_choice_that_is_damaged_is_made_anew(tar, keep, content):
    found = gather(ImageRequest("tar", (tar,), 3), keep)
    (made,) = files(keep.folder / "made")
    made.write_bytes(content)
    assert gather(ImageRequest("tar", (tar,), 3), keep) == found


def test_labels_of_a_tfrecord_decide_the_choice(tmp_path, keep):
    names = [b"cat"] * 18 + [b"dog"] * 2
    data = b"".join(record(labelled_example(number, name)) for number, name in enumerate(names))
    (tmp_path / "train.record").write_bytes(data)
    found = gather(ImageRequest("tfrecord", (tmp_path / "train.record",), 10), keep)
    dogs = [encoded(number, "JPEG") for number in (18, 19)]
    assert sum(path.read_bytes() in dogs for path in found.images.paths) == 1


def test_a_broken_image_is_named_with_what_to_do(folder, keep):
    (folder / "03.png").write_bytes(encoded(3)[:60])
    (folder / "05.png").write_bytes(b"")
    with pytest.raises(
        InputError, match=r"03.png is no image, or is damaged.* 1 more of 20 images.*: repair or remove it"
    ):
        gather(ImageRequest("images", (folder,), 20), keep)


def test_a_broken_image_in_a_tar_is_named_by_its_place(tmp_path, keep):
    path = write_tar(tmp_path / "a.tar", [("good.png", encoded(1)), ("bad.png", encoded(2)[:60])])
    with pytest.raises(InputError, match="'bad.png' in a.tar is no image, or is damaged"):
        gather(ImageRequest("tar", (path,), 2), keep)
    assert not keep.folder.exists()


def test_broken_images_are_left_out_and_told_where_that_is_wanted(folder, keep):
    (folder / "03.png").write_bytes(b"nothing")
    found = gather(ImageRequest("images", (folder,), 20, tolerant=True), keep)
    assert len(found.images.paths) == 19
    assert [reason.split(" is ")[0] for reason in found.broken] == [str(folder / "03.png")]


def test_images_that_are_all_broken_are_refused_in_any_case(folder, keep):
    for path in folder.iterdir():
        path.write_bytes(b"nothing")
    with pytest.raises(InputError, match="is no image"):
        gather(ImageRequest("images", (folder,), 4, tolerant=True), keep)


@pytest.mark.parametrize("shade", [0, 255, 90])
def test_images_that_are_all_of_one_colour_are_refused(tmp_path, keep, shade):
    for number in range(3):
        Image.new("RGB", (50 + number, 40), (shade, 0, shade)).save(tmp_path / f"{number}.png")
    with pytest.raises(InputError, match="no image of 3 has more than one colour: give images of what the model will"):
        gather(ImageRequest("images", (tmp_path,), 9), keep)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "YCbCr"])
def test_images_of_other_modes_are_taken(tmp_path, keep, mode):
    Image.fromarray(picture(1)).convert(mode).save(tmp_path / "a.tif")
    assert len(gather(ImageRequest("images", (tmp_path,), 1), keep).images.paths) == 1


def test_the_first_frame_of_an_animation_is_taken(tmp_path, keep):
    frames = [Image.fromarray(picture(number)) for number in range(3)]
    frames[0].save(tmp_path / "a.png", save_all=True, append_images=frames[1:])
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), picture(0))
    assert len(gather(ImageRequest("images", (tmp_path,), 1), keep).images.paths) == 1


def test_16_bit_images_are_refused_with_what_to_do(tmp_path, keep):
    Image.fromarray(np.arange(1600, dtype=np.uint16).reshape(40, 40)).save(tmp_path / "deep.png")
    with pytest.raises(InputError, match=r"deep.png has I;16 pixels of more than 8 bits: convert it to 8-bit RGB"):
        gather(ImageRequest("images", (tmp_path,), 1), keep)


@pytest.mark.parametrize("size", [(1, 1), (3, 200), (2000, 31)])
def test_a_thumbnail_is_of_one_size_whatever_the_image(tmp_path, size):
    Image.new("RGB", size, (9, 99, 199)).save(tmp_path / "a.png")
    made = thumbnail(tmp_path / "a.png")
    assert (made.shape, made.dtype) == ((32, 32, 3), np.uint8)
    assert np.unique(made.reshape(-1, 3), axis=0).tolist() == [[9, 99, 199]]


def test_a_thumbnail_is_the_mean_of_its_pixels(tmp_path):
    board = np.indices((64, 64)).sum(axis=0) % 2 * 200
    np.save(tmp_path / "a.npy", np.stack([board] * 3, axis=-1).astype(np.uint8))
    assert (thumbnail(tmp_path / "a.npy") == 100).all()


def test_a_thumbnail_of_a_large_image_takes_no_more_than_eight_bytes_a_pixel(tmp_path):
    Image.new("L", (5000, 5000), 7).save(tmp_path / "a.png")
    tracemalloc.start()
    try:
        made = thumbnail(tmp_path / "a.png")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (made == 7).all()
    assert peak <= 8 * 5000 * 5000


def test_cached_thumbnails_are_those_that_were_made(folder, keep):
    images = images_in(folder)
    made = cached_thumbnails(images, keep)
    np.testing.assert_array_equal(cached_thumbnails(images, keep), made)
    assert contrast(made).min() > 20


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"count": 0}, "0 images are requested; at least 1 is needed"),
        ({"choice": "stratifed"}, "no choice of images is called 'stratifed'; did you mean 'stratified'"),
    ],
)
def test_wishes_that_cannot_be_met_are_refused(tmp_path, changes, text):
    with pytest.raises(InputError, match=text):
        ImageRequest(**{"source": "images", "paths": (tmp_path,), "count": 3, **changes})


def test_an_unknown_source_is_told(tmp_path, keep):
    with pytest.raises(UnknownNameError, match="no dataset is called 'zip'"):
        gather(ImageRequest("zip", (tmp_path,), 3), keep)


def test_a_folder_of_photographs_is_upright_and_a_labelled_set_as_stored(tmp_path, keep):
    pixels = picture(0)
    pixels[:20] = 0  # the upper half is black
    save_oriented(tmp_path / "a.png", pixels, 3)
    box = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [0, 0, 20, 20], "area": 400, "iscrowd": 0}
    image = {"id": 1, "file_name": "a.png", "width": 40, "height": 40}
    labels = {"images": [image], "annotations": [box], "categories": [{"id": 1, "name": "cat"}]}
    (tmp_path / "labels.json").write_text(json.dumps(labels))
    photographs = gather(ImageRequest("images", (tmp_path,), 1), keep).images
    labelled = gather(ImageRequest("coco", (tmp_path, tmp_path / "labels.json"), 1), keep).images
    assert (photographs.upright, labelled.upright) == (True, False)
    upright, stored = (cached_thumbnails(images, keep)[0] for images in (photographs, labelled))
    assert (upright[16:].max(), stored[:16].max()) == (0, 0)
    assert min(upright[:16].max(), stored[16:].max()) > 0
