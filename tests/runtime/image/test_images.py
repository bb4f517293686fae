"""Image files that are not what they seem, and the resize rules' laws."""

import io
import struct
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from detlite.runtime.errors import InputError
from detlite.runtime.image.read import read_image
from detlite.runtime.image.resize import resize

RULES = st.sampled_from(["tf1_bilinear", "half_pixel_bilinear"])


def npy(header: str, content: bytes = b"") -> bytes:
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + content


def encoded(kind: str) -> bytes:
    pixels = np.random.default_rng(0).integers(0, 256, (12, 16, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind)
    return file.getvalue()


ENCODED = {kind: encoded(kind) for kind in ("PNG", "JPEG", "GIF", "BMP", "WEBP", "PPM")}


def test_raw_pixels_say_their_size_in_their_name(tmp_path):
    path = tmp_path / "photo.3x2.rgb"
    path.write_bytes(bytes(range(18)))
    assert read_image(path).tolist() == np.arange(18).reshape(2, 3, 3).tolist()


@pytest.mark.parametrize(
    ("name", "content", "error"),
    [
        ("photo.rgb", b"", "does not say its size: want a name such as photo.640x480.rgb"),
        ("photo.3x2.rgb", b"\0" * 17, "has 17 bytes; 3 x 2 pixels of RGB have others"),
        ("photo.0x2.rgb", b"", "has 0 bytes; 0 x 2 pixels of RGB have others"),
    ],
)
def test_raw_pixels_of_another_size_are_refused(tmp_path, name, content, error):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=error):
        read_image(tmp_path / name)


def test_raw_pixels_that_are_missing_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"photo.3x2.rgb cannot be read: No such file"):
        read_image(tmp_path / "photo.3x2.rgb")


def test_an_archive_is_no_array(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.npy", "w") as archive:
        archive.writestr("a.npy", npy("{}"))
    with pytest.raises(InputError, match=r"x.npy is no .npy image"):
        read_image(tmp_path / "x.npy")


@pytest.mark.parametrize(
    "header",
    [
        "",
        "5",
        "(" * 5000,
        "-" * 9000 + "1",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (99999999999999, 9999999999, 3)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (10000000000, 10000000000, 0)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (-1, 2, 3)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (1000, 1000, 3)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 2, 3)",
        "{'descr': 5, 'fortran_order': False, 'shape': (2, 2, 3)}",
    ],
)
def test_a_header_that_lies_is_refused(tmp_path, header):
    (tmp_path / "x.npy").write_bytes(npy(header, bytes(12)))
    with pytest.raises(InputError, match=r"x.npy"):
        read_image(tmp_path / "x.npy")


def test_an_array_of_floats_is_no_image(tmp_path):
    np.save(tmp_path / "x.npy", np.zeros((2, 2, 3)))
    with pytest.raises(InputError, match=r"holds float64 \(2, 2, 3\); want uint8 \(height, width, 3\), RGB"):
        read_image(tmp_path / "x.npy")


def test_postscript_is_never_run(tmp_path):
    (tmp_path / "x.jpg").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n")
    with pytest.raises(InputError, match=r"x.jpg is no image, or is damaged"):
        read_image(tmp_path / "x.jpg")


@pytest.mark.filterwarnings("ignore")
@settings(max_examples=300, deadline=None)
@given(kind=st.sampled_from(sorted(ENCODED)), data=st.data())
def test_a_damaged_file_gives_an_image_or_an_input_error(tmp_path_factory, kind, data):
    content = bytearray(ENCODED[kind])
    for place in data.draw(st.lists(st.integers(0, min(len(content) - 1, 200)), max_size=4)):
        content[place] = data.draw(st.integers(0, 255))
    length = data.draw(st.integers(0, len(content)) | st.just(len(content)))
    path = tmp_path_factory.getbasetemp() / "damaged.jpg"
    path.write_bytes(bytes(content[:length]))
    try:
        image = read_image(path)
    except InputError as error:
        assert "damaged.jpg" in str(error)
        assert "\n" not in str(error)
    else:
        assert (image.dtype, image.ndim, image.shape[2]) == (np.uint8, 3, 3)


sides = st.integers(1, 90)


@settings(deadline=None)
@given(rule=RULES, size=st.tuples(sides, sides), to=st.tuples(sides, sides), value=st.integers(0, 255))
def test_an_even_image_stays_even(rule, size, to, value):
    assert (resize(np.full((*size, 3), value, np.uint8), *to, rule) == value).all()


@settings(deadline=None)
@given(rule=RULES, size=st.tuples(sides, sides), to=st.tuples(sides, sides), seed=st.integers(0, 99))
def test_resizing_goes_nowhere_beyond_the_pixels(rule, size, to, seed):
    image = np.random.default_rng(seed).integers(0, 256, (*size, 3), np.uint8)
    resized = resize(image, *to, rule)
    assert (resized.shape, resized.dtype) == ((*to, 3), np.float32)
    assert image.min() - 1e-3 <= resized.min()
    assert resized.max() <= image.max() + 1e-3


@settings(deadline=None)
@given(rule=RULES, size=st.tuples(sides, sides), to=st.tuples(sides, sides), seed=st.integers(0, 99))
def test_a_part_of_a_larger_array_is_resized_as_its_copy(rule, size, to, seed):
    whole = np.random.default_rng(seed).integers(0, 256, (size[0] * 2, size[1] + 3, 3), np.uint8)
    part = whole[::2, 3:]
    np.testing.assert_array_equal(resize(part, *to, rule), resize(part.copy(), *to, rule))
