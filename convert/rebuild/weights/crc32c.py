"""CRC-32C (Castagnoli, RFC 3720 B.4), which TensorFlow's files are checked with, fast enough in numpy for weights.

A CRC is linear: the first half of a message, moved by the length of the second half and added to it, leaves the same
remainder as the whole. So the words of a message are folded in halves until one is left.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint32]

POLYNOMIAL = 0x82F63B78  # 0x1EDC6F41 with its bits reversed
ONES = 0xFFFFFFFF
MASK_DELTA = 0xA282EAD8  # masked_crc of leveldb and TensorFlow: a CRC of data that holds CRCs is a bad one
CHUNK_BYTES = 1 << 18  # folded within the processor's cache


def crc32c(data: bytes | memoryview, before: int = 0) -> int:
    """Return the CRC-32C of *data*, or of what has the CRC *before* followed by *data*."""
    state = before ^ ONES
    view = memoryview(data).cast("B")
    for begin in range(0, len(view), CHUNK_BYTES):
        state = _advance(state, view[begin : begin + CHUNK_BYTES])
    return state ^ ONES


def masked_crc32c(data: bytes | memoryview, before: int = 0) -> int:
    """Return the CRC as files store it; *before* is not masked."""
    crc = crc32c(data, before)
    return ((crc >> 15 | crc << 17) + MASK_DELTA) & ONES


def _advance(state: int, chunk: memoryview) -> int:
    """Return the register *state* after *chunk*."""
    length = len(chunk)
    if length < 4:
        for byte in chunk:
            state = int(_byte_table()[(state ^ byte) & 0xFF]) ^ state >> 8
        return state
    folds = max(0, ((length + 3) // 4 - 1).bit_length())
    padded = np.zeros(4 << folds, np.uint8)  # zeros in front of a message do not change its remainder
    padded[-length:] = np.frombuffer(chunk, np.uint8)
    padded[-length : len(padded) - length + 4] ^= np.frombuffer(state.to_bytes(4, "little"), np.uint8)
    words = padded.view("<u4")
    for fold in reversed(range(folds)):
        half = len(words) // 2
        words = _move(words[:half], fold) ^ words[half:]
    return int(_move(words, 0)[0])


def _move(words: Words, power: int) -> Words:
    """Return the remainders of *words* followed by 2**power words of zeros."""
    table = _tables(power)
    found: Words = table[0][words & 0xFF]
    for place in range(1, 4):
        found = found ^ table[place][words >> np.uint32(8 * place) & 0xFF]
    return found


@lru_cache(maxsize=1)
def _byte_table() -> Words:
    """Return the remainder of each byte followed by nothing."""
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = np.where(table & 1, table >> 1 ^ np.uint32(POLYNOMIAL), table >> 1)
    return table


@lru_cache(maxsize=32)
def _tables(power: int) -> Words:
    """Return, (4, 256), the remainder of each byte in each place of a word, followed by 2**power words of zeros."""
    places = np.arange(256, dtype=np.uint32)[None] << np.array([[0], [8], [16], [24]], np.uint32)
    if power:
        return _move(_move(places.ravel(), power - 1), power - 1).reshape(4, 256)
    for _ in range(4):
        places = _byte_table()[places & 0xFF] ^ places >> np.uint32(8)
    return places
