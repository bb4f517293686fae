"""Run a model on many images: threads decode and preprocess during inference, in constant memory."""

from __future__ import annotations

import time
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Callable, Deque, Dict, Iterable, Iterator, List, Sequence, Tuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from detlite.runtime.contract import Contract
from detlite.runtime.image.read import read_image
from detlite.runtime.inputs import Size
from detlite.runtime.progress import Progress, silent
from detlite.runtime.session import Raw, Session, input_of
from detlite.runtime.task import Result

AHEAD = 8
"""Number of images that are decoded in advance, and of results that wait: 8 photographs are about 10 MB."""

WORKERS = 2
Prepared = Tuple[NDArray[Any], Tuple[int, int]]
S = TypeVar("S")
T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class StreamResult:
    """A model's result for one image.

    Attributes:
        result: the result of the contract's task.
        size: (height, width) of the image as decoded, in pixels.
        invoke_ns: time of the interpreter alone; in a batch, its share of that.
    """

    result: Result
    size: Tuple[int, int]
    invoke_ns: int


def detect_stream(
    contract: Contract,
    opened: Callable[[], Session],
    paths: Sequence[Path],
    *,
    upright: bool = True,
    progress: Progress = silent,
) -> Iterator[StreamResult]:
    """Yield the result for each of *paths*, in their order, from the session that *opened* returns.

    The images are turned *upright* by their EXIF orientation, or read as stored. The first images are
    read for its *contract* while the session is being opened.
    """
    with ThreadPoolExecutor(WORKERS) as pool:
        waiting: Deque[Tuple[Future[Result], Tuple[int, int], int]] = deque()
        prepared = ahead(pool, lambda path: _prepare(contract, path, upright), paths)
        session = opened()
        done = 0
        while group := list(islice(prepared, session.batch)):
            tensor = group[0][0] if len(group) == 1 else np.concatenate([tensor for tensor, _size in group])
            start = time.perf_counter_ns()
            session.invoke(tensor, group[0][1])
            invoke_ns = (time.perf_counter_ns() - start) // len(group)
            raw = session.raw()
            for place, (_tensor, size) in enumerate(group):
                waiting.append((pool.submit(_found, session, raw, place, size), size, invoke_ns))
            done += len(group)
            progress("images", done, len(paths))
            while len(waiting) > AHEAD:
                yield _finished(waiting.popleft())
        while waiting:
            yield _finished(waiting.popleft())


def _found(session: Session, raw: Raw, place: int, size: Size) -> Result:
    return session.postprocess(session.real(raw, place), size)


def _finished(item: Tuple[Future[Result], Tuple[int, int], int]) -> StreamResult:
    return StreamResult(item[0].result(), item[1], item[2])


def ahead(pool: ThreadPoolExecutor, make: Callable[[S], T], given: Iterable[S]) -> Iterator[T]:
    """Yield *make* of each of *given*, in their order; *pool* computes `AHEAD` of them in advance."""
    rest = iter(given)
    return _one_by_one(pool, make, rest, deque(pool.submit(make, one) for one in islice(rest, AHEAD)))


def _one_by_one(
    pool: ThreadPoolExecutor, make: Callable[[S], T], rest: Iterator[S], waiting: Deque[Future[T]]
) -> Iterator[T]:
    while waiting:
        made = waiting.popleft().result()
        waiting.extend(pool.submit(make, one) for one in islice(rest, 1))
        yield made


def _prepare(contract: Contract, path: Path, upright: bool) -> Prepared:
    image = read_image(path, upright=upright)
    return input_of(image, contract), (image.shape[0], image.shape[1])


def columns(seen: List[StreamResult]) -> Dict[str, NDArray[Any]]:
    """Return *seen*, at least one image, as arrays: the results' columns, `sizes` and `invoke_ns`."""
    results = [one.result for one in seen]
    return {
        **type(results[0]).columns(results),
        "sizes": np.array([one.size for one in seen], np.int64),
        "invoke_ns": np.array([one.invoke_ns for one in seen], np.int64),
    }
