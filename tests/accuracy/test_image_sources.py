"""Every source of images: folders, lists and arrays; what is not there, and files of anything."""

import io
import tracemalloc
import zipfile

import numpy as np
import pytest
from builders.dataset_items import items
from builders.image_files import encoded, picture
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detlite.accuracy.dataset import DATASETS, load_dataset
from detlite.runtime.errors import InputError
from detlite.runtime.plugins import plugin_names


@pytest.mark.parametrize("name", plugin_names(DATASETS))
def test_a_source_that_is_not_there_is_named(tmp_path, name):
    source = load_dataset(name)
    with pytest.raises(InputError, match="absent"):
        list(source.items([tmp_path / "absent" for _ in source.takes]))


@pytest.mark.parametrize("name", plugin_names(DATASETS))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(content=st.binary(max_size=600))
def test_a_file_of_anything_is_an_input_error_or_no_error_at_all(tmp_path, name, content):
    source = load_dataset(name)
    (tmp_path / "file").write_bytes(content)
    try:
        for item in source.items([tmp_path / "file" for _ in source.takes]):
            if item.content is not None:
                item.content()
    except InputError as error:
        assert "\n" not in str(error)


def test_an_npz_gives_each_image_of_its_arrays_and_passes_over_labels(tmp_path):
    many = np.stack([picture(i) for i in range(3)])
    np.savez_compressed(tmp_path / "a.npz", labels=np.arange(3), many=many, one=picture(9))
    found = [np.load(io.BytesIO(content)) for _, content, _ in items("npz", tmp_path / "a.npz")]
    np.testing.assert_array_equal(found, np.stack([*many, picture(9)]))


@pytest.mark.parametrize(
    ("array", "text"),
    [
        (np.zeros((2, 8, 8, 3), np.float32), "is float32 .* want uint8 in 0..255"),
        (np.zeros((2, 8, 8, 3), np.uint16), "is uint16 .* want uint8 in 0..255"),
        (np.asfortranarray(np.zeros((2, 8, 8, 3), np.uint8)), "Fortran's order"),
        (np.zeros((2, 8, 8), np.uint8), "holds no images"),
        (np.zeros((0, 8, 8, 3), np.uint8), "holds no images"),
        (np.zeros((2, 0, 8, 3), np.uint8), "too large for the file that it is in, or empty"),
        (np.array([{}], dtype=object), "holds no images"),
    ],
)
def test_arrays_that_are_no_images_are_refused(tmp_path, array, text):
    np.savez(tmp_path / "a.npz", array)
    with pytest.raises(InputError, match=text):
        items("npz", tmp_path / "a.npz")


def test_an_npz_whose_header_claims_more_than_it_holds_is_refused(tmp_path):
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "|u1", "fortran_order": False, "shape": (10**9, 100, 100, 3)}
    )
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("x.npy", header.getvalue())
    with pytest.raises(InputError, match="too large for the file that it is in"):
        items("npz", tmp_path / "a.npz")


def test_an_npz_that_ends_in_an_image_is_refused(tmp_path):
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": (2, 8, 8, 3)})
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("x.npy", header.getvalue() + bytes(200))
    with pytest.raises(InputError, match="image 1 of 'x.npy' in a.npz: the file is truncated, damaged or no .npz file"):
        items("npz", tmp_path / "a.npz")


def test_a_folder_gives_the_images_of_its_sub_folders_too(tmp_path):
    (tmp_path / "sub").mkdir()
    for name in ("b.png", "sub/a.png", "notes.txt"):
        (tmp_path / name).write_bytes(encoded(1))
    assert [path.name for _suffix, path, _objects in items("images", tmp_path)] == ["b.png", "a.png"]
    assert load_dataset("images").skipped([tmp_path]) == (tmp_path / "notes.txt",)


def test_a_list_is_relative_to_its_folder_and_may_have_comments(tmp_path):
    (tmp_path / "a.png").write_bytes(encoded(1))
    (tmp_path / "list.txt").write_text("# mine\n\na.png\n")
    assert items("list", tmp_path / "list.txt") == [("", tmp_path / "a.png", None)]


def test_a_list_of_zero_bytes_is_refused(tmp_path):
    (tmp_path / "list.txt").write_bytes(bytes(100))
    with pytest.raises(InputError, match="is no text"):
        items("list", tmp_path / "list.txt")


def test_a_large_array_is_read_image_by_image(tmp_path):
    np.savez(tmp_path / "a.npz", np.zeros((200, 128, 128, 3), np.uint8))  # 10 MB
    source = load_dataset("npz")
    tracemalloc.start()
    for item in source.items([tmp_path / "a.npz"]):
        item.content()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2_000_000
