"""The frames of a video, decoded by FFmpeg through PyAV, the extra `video`."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from detlite.accuracy.dataset import Dataset, Item, only_file

if TYPE_CHECKING:
    from detlite.accuracy.video import Frame


def items(paths: Sequence[Path]) -> Iterator[Item]:
    """Yield every frame of the video's first stream, in the order in which they are shown."""
    from detlite.accuracy.video import open_video

    (path,) = only_file(paths)
    with open_video(path) as video:
        for number, frame in enumerate(video.frames, 1):
            yield Item(f"frame {number} of {path.name}", content=partial(_content, frame), suffix=".npy")


def _content(frame: Frame) -> bytes:
    file = io.BytesIO()
    np.save(file, frame.pixels())
    return file.getvalue()


PLUGIN = Dataset(
    title="Frames of a video; needs the extra `video`.",
    takes=("FILE",),
    items=items,
    files=only_file,
    videos=only_file,
)
