"""The frames of a video, decoded by FFmpeg through PyAV, the extra `video`."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from detlite.accuracy.image_source import ImageSource, Item, one_error, only_file
from detlite.runtime.errors import InputError, MissingToolError
from detlite.runtime.image.read import MAX_PIXELS


def items(paths: Sequence[Path]) -> Iterator[Item]:
    """Yield every frame of the video's first stream, in the order in which they are shown."""
    (path,) = only_file(paths)
    av = _pyav()
    damaged, number = (av.FFmpegError, OSError, ValueError), 0
    options = {"protocol_whitelist": "file"}  # a playlist must not lead anywhere else
    with (
        one_error(damaged, f"{path} is truncated, damaged or no video"),
        av.open(f"file:{path.absolute()}", options=options) as container,
    ):
        if not container.streams.video:
            raise InputError(f"{path} has no video stream: want a video")
        for number, frame in enumerate(container.decode(container.streams.video[0]), 1):
            if frame.width * frame.height > MAX_PIXELS:
                raise InputError(f"{path} has {frame.width} x {frame.height} pixels: want at most {MAX_PIXELS}")
            yield Item(f"frame {number} of {path.name}", content=partial(_content, frame), suffix=".npy")
    if not number:
        raise InputError(f"{path} holds no frame: want a video")


def _pyav() -> Any:
    try:
        import av
    except ImportError as error:
        raise MissingToolError(
            f"a video wants PyAV, which is not here ({error}): pip install 'detlite[video]', or save frames as images"
        ) from error
    av.logging.set_level(None)
    return av


def _content(frame: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, np.ascontiguousarray(frame.to_ndarray(format="rgb24")))
    return file.getvalue()


PLUGIN = ImageSource(title="Frames of a video; wants the extra `video`.", takes=("FILE",), items=items, files=only_file)
