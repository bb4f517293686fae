"""The random numbers of MLPerf's LoadGen: the order and times of samples, the same for the same seeds.

LoadGen draws from C++'s `std::mt19937` (Matsumoto and Nishimura, 1998), using the lower 32 bits of a 64-bit seed,
through libstdc++'s distributions. The tests compare all three with the official LoadGen.
"""

from __future__ import annotations

from typing import Iterator, List, Optional

import numpy as np
from numpy.typing import NDArray

WORD = 1 << 32


def _words(seed: int, count: int) -> NDArray[np.uint64]:
    """Return the first *count* values of `std::mt19937(seed)`: numpy's `RandomState` is the same generator."""
    return np.random.RandomState(seed % WORD).randint(0, WORD, count, np.uint64)


def _uniform(words: NDArray[np.uint64], samples: int) -> NDArray[np.int64]:
    """Return, in 0..samples-1, the values that `std::uniform_int_distribution` makes from *words*.

    It multiplies and takes the upper word, and draws again if the lower one would favour a value (Lemire, Fast
    random integer generation in an interval, 2019).
    """
    products = words * np.uint64(samples)
    fine = (products % np.uint64(WORD)) >= np.uint64((WORD - samples) % samples)
    return (products[fine] >> np.uint64(32)).astype(np.int64)


def loaded_order(seed: int, samples: int) -> List[int]:
    """Return 0..samples-1 in LoadGen's shuffled order, in which it loads the samples (`std::shuffle`).

    libstdc++ draws one number per two swaps.
    """
    order = list(range(samples))
    words = iter(_words(seed, samples + 64))
    begin = 1
    if samples % 2 == 0 and samples:
        _swap(order, 1, _next(words, 2))
        begin = 2
    for i in range(begin, samples, 2):
        first, second = divmod(_next(words, (i + 1) * (i + 2)), i + 2)
        _swap(order, i, first)
        _swap(order, i + 1, second)
    return order


def _next(words: Iterator[np.uint64], samples: int) -> int:
    while True:
        found = _uniform(np.array([next(words)], np.uint64), samples)
        if len(found):
            return int(found[0])


def _swap(order: List[int], one: int, other: int) -> None:
    order[one], order[other] = order[other], order[one]


def sample_order(seed: int, samples: int, count: int, *, skipped: Optional[int] = None) -> NDArray[np.int64]:
    """Return the index of the loaded sample that each of *count* queries uses.

    Args:
        seed: of the sample indices.
        samples: number of loaded samples.
        count: number of queries.
        skipped: how many numbers were drawn before; None for those of one shuffle of the samples, which LoadGen v1.0
            makes and does not use.
    """
    before = samples // 2 if skipped is None else skipped
    words = _words(seed, before + count + 16 + count // 1000)[before:]
    return _uniform(words, samples)[:count]


def poisson_ns(seed: int, per_second: float, count: int) -> NDArray[np.int64]:
    """Return the times of *count* queries, in ns from the first at 0: a Poisson process.

    The gaps are `std::exponential_distribution`'s: -ln(1 - u) / rate, u of two words, the lower one first.
    """
    words = _words(seed, 2 * count).astype(np.float64)
    uniform = np.minimum((words[0::2] + words[1::2] * WORD) / float(WORD) ** 2, np.nextafter(1.0, 0))
    gaps = np.floor(-np.log1p(-uniform) / per_second * 1e9).astype(np.int64)
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(gaps)[:-1]])
