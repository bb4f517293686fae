"""CRC-32C (Castagnoli, RFC 3720 B.4), the checksum of TensorFlow's files, in numpy.

A CRC is linear: shift the first half of a message by the length of the second half, add the two, and the remainder
stays the same. So a message is folded in half until one word is left.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint32]

POLYNOMIAL = 0x82F63B78  # 0x1EDC6F41 with its bits reversed
ONES = 0xFFFFFFFF
MASK_DELTA = 0xA282EAD8  # LevelDB and TensorFlow mask a CRC, because a CRC of data that contains CRCs is weak
CHUNK_BYTES = 1 << 18  # fits in the processor's cache


def crc32c(data: bytes | memoryview, before: int = 0) -> int:
    """Return the CRC-32C of *data*, or of *data* appended to a message whose CRC is *before*."""
    state = before ^ ONES
    view = memoryview(data).cast("B")
    for begin in range(0, len(view), CHUNK_BYTES):
        state = _advance(state, view[begin : begin + CHUNK_BYTES])
    return state ^ ONES


def masked_crc32c(data: bytes | memoryview, before: int = 0) -> int:
    """Return the masked CRC, as files store it; *before* is not masked."""
    crc = crc32c(data, before)
    return ((crc >> 15 | crc << 17) + MASK_DELTA) & ONES


def _advance(state: int, chunk: memoryview) -> int:
    """Return the register after *chunk*, starting from *state*."""
    length = len(chunk)
    if length < 4:
        for byte in chunk:
            state = int(_byte_table()[(state ^ byte) & 0xFF]) ^ state >> 8
        return state
    folds = max(0, ((length + 3) // 4 - 1).bit_length())
    padded = np.zeros(4 << folds, np.uint8)  # leading zeros do not change a message's remainder
    padded[-length:] = np.frombuffer(chunk, np.uint8)
    padded[-length : len(padded) - length + 4] ^= np.frombuffer(state.to_bytes(4, "little"), np.uint8)
    words = padded.view("<u4")
    for fold in reversed(range(folds)):
        half = len(words) // 2
        words = _shift(words[:half], fold) ^ words[half:]
    return int(_shift(words, 0)[0])


def _shift(words: Words, power: int) -> Words:
    """Return the remainders of *words*, each followed by 2**power zero words."""
    table = _tables(power)
    found: Words = table[0][words & 0xFF]
    for place in range(1, 4):
        found = found ^ table[place][words >> np.uint32(8 * place) & 0xFF]
    return found


@lru_cache(maxsize=1)
def _byte_table() -> Words:
    """Return the remainder of each byte."""
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = np.where(table & 1, table >> 1 ^ np.uint32(POLYNOMIAL), table >> 1)
    return table


@lru_cache(maxsize=32)
def _tables(power: int) -> Words:
    """Return (4, 256): the remainder of each byte at each place of a word that 2**power zero words follow."""
    places = np.arange(256, dtype=np.uint32)[None] << np.array([[0], [8], [16], [24]], np.uint32)
    if power:
        return _shift(_shift(places.ravel(), power - 1), power - 1).reshape(4, 256)
    for _ in range(4):
        places = _byte_table()[places & 0xFF] ^ places >> np.uint32(8)
    return places
