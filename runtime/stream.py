"""Detect in many images: decoding and preprocessing run beside the inference, in threads and in constant memory."""

from __future__ import annotations

import time
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Deque, Dict, Iterable, Iterator, List, Sequence, Tuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from detlite.runtime.detections import Detections
from detlite.runtime.images import read_image
from detlite.runtime.progress import Progress, silent
from detlite.runtime.session import Session

AHEAD = 8
"""Images that are decoded before they are wanted, and results that wait: 8 photographs are some 10 MB."""

WORKERS = 2
Prepared = Tuple[NDArray[Any], Tuple[int, int]]
T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Seen:
    """What was found in one image.

    Attributes:
        detections: in the image.
        size: (height, width) of the image as decoded, in pixels.
        invoke_ns: how long the interpreter alone took.
    """

    detections: Detections
    size: Tuple[int, int]
    invoke_ns: int


def detect_stream(session: Session, paths: Sequence[Path], *, progress: Progress = silent) -> Iterator[Seen]:
    """Yield what *session* finds in each of *paths*, in their order."""
    with ThreadPoolExecutor(WORKERS) as pool:
        waiting: Deque[Tuple[Future[Detections], Tuple[int, int], int]] = deque()
        prepared = ahead(pool, lambda path: _prepare(session, path), paths)
        for done, (tensor, size) in enumerate(prepared, 1):
            start = time.perf_counter_ns()
            session.invoke(tensor)
            invoke_ns = time.perf_counter_ns() - start
            waiting.append((pool.submit(session.postprocess, session.heads()), size, invoke_ns))
            progress("images", done, len(paths))
            if len(waiting) > AHEAD:
                yield _finished(waiting.popleft())
        while waiting:
            yield _finished(waiting.popleft())


def _finished(item: Tuple[Future[Detections], Tuple[int, int], int]) -> Seen:
    return Seen(item[0].result(), item[1], item[2])


def ahead(pool: ThreadPoolExecutor, make: Callable[[Path], T], paths: Iterable[Path]) -> Iterator[T]:
    """Yield what *make* makes of each of *paths*, in their order; the next `AHEAD` are made in *pool* meanwhile."""
    waiting: Deque[Future[T]] = deque()
    for path in paths:
        waiting.append(pool.submit(make, path))
        if len(waiting) >= AHEAD:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def _prepare(session: Session, path: Path) -> Prepared:
    image = read_image(path)
    return session.preprocess(image), (image.shape[0], image.shape[1])


def columns(seen: List[Seen]) -> Dict[str, NDArray[Any]]:
    """Return everything in *seen* as arrays: `boxes`, `classes`, `scores`, `image_index`, `sizes`, `invoke_ns`."""
    counts = [len(one.detections.scores) for one in seen]
    return {
        "boxes": np.concatenate([one.detections.boxes for one in seen]).astype(np.float32),
        "classes": np.concatenate([one.detections.classes for one in seen]).astype(np.int64),
        "scores": np.concatenate([one.detections.scores for one in seen]).astype(np.float32),
        "image_index": np.repeat(np.arange(len(seen), dtype=np.int64), counts),
        "sizes": np.array([one.size for one in seen], np.int64),
        "invoke_ns": np.array([one.invoke_ns for one in seen], np.int64),
    }
