"""What a bundle's configuration says of compression, read off its wire format."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detlite.devices.packaging.android.bundle_config import BundleCompression, read_compression
from detlite.runtime.errors import InputError

MODEL = "assets/demo/model.tflite"


def message(number, content):
    return bytes([number << 3 | 2, len(content)]) + content


def test_globs_and_the_packs_default_are_read():
    inner = message(1, b"**.tflite") + message(1, b"res/raw/**") + b"\x10\x02"
    other = message(1, b"\x12\x061.17.2") + b"\x40\x00" + b"\x0d\0\0\0\0" + b"\x11" + bytes(8)
    found = read_compression(other + message(3, inner))
    assert found == BundleCompression(("**.tflite", "res/raw/**"), compresses_packs=True)


def test_an_empty_configuration_stores_packs_and_deflates_the_rest():
    found = read_compression(b"")
    assert found.stores(MODEL, in_pack=True)
    assert not found.stores(MODEL, in_pack=False)


@pytest.mark.parametrize(
    ("glob", "is_stored"),
    [
        ("**.tflite", True),
        ("**.[tT][fF][lL][iI][tT][eE]", True),
        ("assets/**", True),
        ("assets/*/model.tflit?", True),
        ("assets/*.tflite", False),
        ("**.lite", False),
        ("**xtflite", False),
        ("res/**", False),
    ],
)
def test_a_glob_stores_what_it_matches(glob, is_stored):
    assert BundleCompression((glob,)).stores(MODEL, in_pack=False) is is_stored


@pytest.mark.parametrize("data", [b"\x1a\x7f", b"\x1a", b"\xff" * 11, b"\x0b", b"\x09\x00"])
def test_a_damaged_configuration_is_refused(data):
    with pytest.raises(InputError, match=r"BundleConfig\.pb is damaged at byte"):
        read_compression(data)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data):
    try:
        read_compression(data).stores(MODEL, in_pack=False)
    except InputError as error:
        assert "is damaged" in str(error)
