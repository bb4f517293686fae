"""The checksum of checkpoints."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detlite.convert.rebuild.weights.crc32c import crc32c, masked_crc32c


@pytest.mark.parametrize(
    ("data", "crc"),
    [
        (b"", 0),
        (b"123456789", 0xE3069283),
        (bytes(32), 0x8A9136AA),  # this and those below: RFC 3720, B.4
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
    ],
)
def test_it_has_the_published_values(data, crc):
    assert crc32c(data) == crc


def test_it_is_masked_as_in_leveldb():
    crc = crc32c(b"foo")
    assert masked_crc32c(b"foo") == ((crc >> 15 | crc << 17) + 0xA282EAD8) % 2**32


@given(st.binary(max_size=300), st.integers(0, 300))
def test_a_message_in_two_parts_has_the_checksum_of_the_whole(data, at):
    assert crc32c(data[at:], crc32c(data[:at])) == crc32c(data)


@pytest.mark.parametrize("bit", [0, 1_000_000, 8 * 600_001 - 1])
def test_one_bit_of_a_long_message_changes_it(bit):
    data = np.random.default_rng(0).integers(0, 256, 600_001, np.uint8)
    before = crc32c(data.tobytes())
    data[bit // 8] ^= 1 << bit % 8
    assert crc32c(data.tobytes()) != before
