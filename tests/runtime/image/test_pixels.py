"""From image files to input tensors."""

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from detlite.runtime.errors import ContractError, InputError
from detlite.runtime.image.preprocess import preprocess
from detlite.runtime.image.read import read_image
from detlite.runtime.image.resize import resize
from detlite.runtime.inputs import ImageInput
from detlite.runtime.tensors import Quantization


def image_input(dtype="float32", colour="RGB", quantization=None, mean=127.5, std=127.5, size=(2, 2)):
    channels = 1 if colour == "GRAY" else 3
    return ImageInput(
        "image", *size, colour, dtype, (mean,) * channels, (std,) * channels, "tf1_bilinear", quantization
    )


def test_tf1_bilinear_samples_at_multiples_of_the_scale():
    image = np.uint8([0, 10, 20, 30])[None, :, None].repeat(3, axis=2)
    np.testing.assert_array_equal(resize(image, 1, 8, "tf1_bilinear")[0, :, 0], [0, 5, 10, 15, 20, 25, 30, 30])


def test_half_pixel_bilinear_samples_at_centres():
    image = np.uint8([0, 10, 20, 30])[None, :, None].repeat(3, axis=2)
    want = [0, 2.5, 7.5, 12.5, 17.5, 22.5, 27.5, 30]
    np.testing.assert_array_equal(resize(image, 1, 8, "half_pixel_bilinear")[0, :, 0], want)


@pytest.mark.parametrize("size", [(480, 640), (37, 100), (1, 1), (300, 301)])
@pytest.mark.parametrize("rule", ["tf1_bilinear", "half_pixel_bilinear"])
def test_resizing_is_tensorflows_own(size, rule):
    from detlite.convert.tensorflow import load_tensorflow

    tf = load_tensorflow()
    image = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    half = rule == "half_pixel_bilinear"
    want = tf.raw_ops.ResizeBilinear(images=image[None].astype(np.float32), size=(64, 48), half_pixel_centers=half)
    np.testing.assert_allclose(resize(image, 64, 48, rule), want.numpy()[0], atol=1e-4)


def test_an_unknown_resize_rule_is_refused():
    with pytest.raises(ContractError, match="no resize rule is called 'lanczos'"):
        resize(np.zeros((1, 1, 3), np.uint8), 2, 2, "lanczos")


def test_a_float_input_is_normalized():
    image = np.uint8([0, 127, 255])[None, None, :]
    tensor = preprocess(image, image_input(size=(1, 1)))
    np.testing.assert_allclose(tensor.ravel(), [-1, -0.5 / 127.5, 1], atol=1e-6)


def test_bgr_swaps_the_channels():
    image = np.uint8([10, 20, 30])[None, None, :]
    assert preprocess(image, image_input(colour="BGR", mean=0, std=1, size=(1, 1))).ravel().tolist() == [
        30,
        20,
        10,
    ]


def test_gray_has_one_channel():
    image = np.full((4, 4, 3), 100, np.uint8)
    tensor = preprocess(image, image_input(colour="GRAY", mean=0, std=1))
    assert tensor.shape == (1, 2, 2, 1)
    np.testing.assert_allclose(tensor, 99.99, atol=0.01)  # the weights of TensorFlow sum to 0.9999


@given(pixel=st.integers(0, 255))
def test_a_uint8_input_with_the_pixels_own_scale_takes_pixels_as_they_are(pixel):
    contract = image_input("uint8", quantization=Quantization(1 / 128, 128), mean=128, std=128, size=(1, 1))
    assert preprocess(np.full((1, 1, 3), pixel, np.uint8), contract).ravel().tolist() == [pixel] * 3


@given(pixel=st.integers(0, 255), scale=st.floats(0.005, 0.02), zero=st.integers(-100, 100))
def test_a_quantized_input_lies_within_half_a_scale_of_the_real_one_unless_it_saturates(pixel, scale, zero):
    contract = image_input("int8", quantization=Quantization(scale, zero), size=(1, 1))
    quantized = preprocess(np.full((1, 1, 3), pixel, np.uint8), contract)
    real, low, high = pixel / 127.5 - 1, scale * (-128 - zero), scale * (127 - zero)
    np.testing.assert_allclose(scale * (quantized.astype(float) - zero), np.clip(real, low, high), atol=scale * 0.501)


@pytest.mark.parametrize("bad", [np.zeros((2, 2), np.uint8), np.zeros((2, 2, 4), np.uint8), np.zeros((2, 2, 3))])
def test_what_is_no_image_array_is_refused(bad):
    with pytest.raises(ContractError, match=r"want a uint8 \(height, width, 3\) image, got"):
        preprocess(bad, image_input())


@pytest.mark.parametrize("mode", ["RGB", "L", "P", "CMYK", "RGBA", "1", "LA"])
def test_every_mode_becomes_rgb(tmp_path, mode):
    path = tmp_path / ("x.tiff" if mode == "CMYK" else "x.png")
    Image.new(mode, (5, 3)).save(path)
    image = read_image(path)
    assert (image.shape, image.dtype) == ((3, 5, 3), np.uint8)


@pytest.mark.parametrize(
    ("orientation", "want"),
    [
        (1, [[1, 2, 3], [4, 5, 6]]),
        (2, [[3, 2, 1], [6, 5, 4]]),
        (3, [[6, 5, 4], [3, 2, 1]]),
        (4, [[4, 5, 6], [1, 2, 3]]),
        (5, [[1, 4], [2, 5], [3, 6]]),
        (6, [[4, 1], [5, 2], [6, 3]]),
        (7, [[6, 3], [5, 2], [4, 1]]),
        (8, [[3, 6], [2, 5], [1, 4]]),
        (9, [[1, 2, 3], [4, 5, 6]]),
    ],
)
def test_an_image_is_turned_upright_by_its_exif_orientation(tmp_path, orientation, want):
    path = oriented(tmp_path / "x.png", orientation)
    assert read_image(path)[..., 0].tolist() == want


def test_an_image_is_read_as_stored_where_labels_are_for_the_stored_pixels(tmp_path):
    path = oriented(tmp_path / "x.png", 6)
    assert read_image(path, upright=False)[..., 0].tolist() == [[1, 2, 3], [4, 5, 6]]


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_tiff_is_turned_and_read_as_stored_like_any_other_image(tmp_path, orientation, compression):
    tags = Image.Exif()
    tags[0x0112] = orientation
    grey = Image.fromarray(np.arange(1, 7, dtype=np.uint8).reshape(2, 3))
    grey.save(tmp_path / "x.tiff", exif=tags, compression=compression)
    assert read_image(tmp_path / "x.tiff", upright=False)[..., 0].tolist() == [[1, 2, 3], [4, 5, 6]]
    turned = read_image(oriented(tmp_path / "x.png", orientation))
    assert read_image(tmp_path / "x.tiff").tolist() == turned.tolist()


def test_a_smaller_decoded_photograph_is_upright_too(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 8
    Image.new("RGB", (800, 400)).save(tmp_path / "x.jpg", exif=exif)
    assert read_image(tmp_path / "x.jpg", least=50).shape == (100, 50, 3)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_an_image_with_damaged_exif_is_read_as_stored(tmp_path):
    path = oriented(tmp_path / "x.png", 6, exif=b"Exif\0\0II*\0\xff\xff\xff\xff broken")
    assert read_image(path)[..., 0].tolist() == [[1, 2, 3], [4, 5, 6]]


def oriented(path: Path, orientation: int, exif: bytes | None = None) -> Path:
    """Write an image of the grey values 1 to 6 in two rows, with an EXIF orientation or other *exif*."""
    tags = Image.Exif()
    tags[0x0112] = orientation
    Image.fromarray(np.arange(1, 7, dtype=np.uint8).reshape(2, 3)).save(path, exif=tags if exif is None else exif)
    return path


def test_a_raw_array_is_read_without_pillow(tmp_path):
    np.save(tmp_path / "x.npy", np.full((2, 3, 3), 7, np.uint8))
    assert read_image(tmp_path / "x.npy").tolist() == np.full((2, 3, 3), 7).tolist()


def test_an_array_of_objects_is_never_unpickled(tmp_path):
    np.save(tmp_path / "x.npy", np.array([print], dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match=r"x.npy holds object \(1,\); want uint8"):
        read_image(tmp_path / "x.npy")


@pytest.mark.parametrize("content", [b"", b"no image", b"\x89PNG\r\n\x1a\n broken", b"\xff\xd8\xff\xe0"])
def test_what_is_no_image_is_refused(tmp_path, content):
    path = tmp_path / "x.jpg"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"x.jpg is no image, or is damaged"):
        read_image(path)


def test_a_truncated_photograph_is_refused(tmp_path):
    path = tmp_path / "x.jpg"
    Image.effect_noise((200, 200), 50).convert("RGB").save(path)
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(InputError, match=r"x.jpg is no image, or is damaged"):
        read_image(path)


def test_sixteen_bits_are_refused(tmp_path):
    Image.new("I;16", (5, 3)).save(tmp_path / "x.png")
    with pytest.raises(InputError, match="more than 8 bits: convert it to 8-bit RGB"):
        read_image(tmp_path / "x.png")


@pytest.mark.filterwarnings("ignore:Image size")
def test_an_absurdly_large_image_is_refused(tmp_path):
    Image.new("1", (20_000, 20_000)).save(tmp_path / "x.png")
    with pytest.raises(InputError, match=r"x.png (is no image|has 20000)"):
        read_image(tmp_path / "x.png")


def test_an_image_with_an_absurdly_long_side_is_refused_with_the_limits(tmp_path):
    Image.new("1", (65_536, 1)).save(tmp_path / "x.png")
    with pytest.raises(InputError, match=r"has 65536 x 1 pixels: want at most 178,956,970 and sides of at most 65,535"):
        read_image(tmp_path / "x.png")


def test_an_image_that_is_converted_in_strips_has_the_same_pixels(tmp_path):
    column = Image.fromarray((np.arange(4300) * 7 % 256).astype(np.uint8)[:, None])
    column.resize((4000, 4300)).convert("P").save(tmp_path / "x.png", compress_level=1)
    found = read_image(tmp_path / "x.png")
    assert found.shape == (4300, 4000, 3)
    assert (found[:, [0, 1999, 3999]] == np.asarray(column.convert("RGB"))).all()


@pytest.mark.parametrize("name", ["pipe.jpg", "pipe.npy", "pipe.2x2.rgb"])
def test_a_pipe_is_refused_and_not_waited_for(tmp_path, name):
    os.mkfifo(tmp_path / name)
    with pytest.raises(InputError, match="is a pipe: give the image as a file"):
        read_image(tmp_path / name)
