"""Videos, decoded and encoded by FFmpeg through PyAV, the extra `video`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from detlite.accuracy.dataset import one_error
from detlite.convert.extras import install_line
from detlite.runtime.arrays import Pixels
from detlite.runtime.errors import InputError, MissingToolError
from detlite.runtime.image.read import MAX_PIXELS

VIDEO_SUFFIXES = (".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg")
"""What marks a file as a video where images are expected too."""

USUAL_RATE = Fraction(30)
"""Frames a second of a video whose container states no rate."""


@dataclass(frozen=True, eq=False)
class Frame:
    """One frame of a video.

    Attributes:
        time_s: when it is shown, in seconds from the start; None if the video does not say.
        decoded: PyAV's own frame.
    """

    time_s: float | None
    decoded: Any

    def pixels(self) -> Pixels:
        """Return the frame as uint8 (height, width, 3), RGB."""
        return np.ascontiguousarray(self.decoded.to_ndarray(format="rgb24"))


@dataclass(frozen=True, eq=False)
class Video:
    """An open video.

    Attributes:
        rate: frames a second.
        frames: its frames in the order in which they are shown; each can be read once.
    """

    rate: Fraction
    frames: Iterator[Frame]


@contextmanager
def open_video(path: Path) -> Iterator[Video]:
    """Open the first video stream of the file *path*, which is closed when the `with` ends.

    Raises:
        InputError: it is no video, is damaged, or its frames are too large; reading its frames raises this too.
        MissingToolError: PyAV is not installed.
    """
    av = _pyav()
    options = {"protocol_whitelist": "file"}  # a playlist must not lead anywhere else
    with _damage_as_one_error(av, path):
        container = av.open(f"file:{path.absolute()}", options=options)
    with container:
        if not container.streams.video:
            raise InputError(f"{path} has no video stream: give a video")
        stream = container.streams.video[0]
        yield Video(stream.average_rate or USUAL_RATE, _frames(av, path, container))


def _frames(av: Any, path: Path, container: Any) -> Iterator[Frame]:
    is_empty = True
    with _damage_as_one_error(av, path):
        for decoded in container.decode(container.streams.video[0]):
            if decoded.width * decoded.height > MAX_PIXELS:
                raise InputError(
                    f"{path} has frames of {decoded.width} x {decoded.height} pixels; at most {MAX_PIXELS} are read"
                )
            is_empty = False
            yield Frame(None if decoded.time is None else float(decoded.time), decoded)
    if is_empty:
        raise InputError(f"{path} has no frames: give a video")


def _damage_as_one_error(av: Any, path: Path) -> AbstractContextManager[None]:
    return one_error((av.FFmpegError, OSError, ValueError), f"{path} is truncated, damaged or not a video")


class VideoWriter:
    """Writes frames to an H.264 video; its size is that of the first frame, made even as the codec requires."""

    def __init__(self, path: Path, rate: Fraction) -> None:
        """Open the file *path*, whose suffix chooses the container, for *rate* frames a second."""
        av = _pyav()
        self._av = av
        self._container = av.open(f"file:{path.absolute()}", mode="w")
        self._stream = self._container.add_stream("libx264", rate=rate, options={"crf": "20"})
        self._stream.pix_fmt = "yuv420p"
        self._is_open = False

    def write(self, pixels: Pixels) -> None:
        """Append one frame: uint8 (height, width, 3), RGB; all have one size."""
        height, width = (side - side % 2 for side in pixels.shape[:2])
        if not self._is_open:
            self._stream.height, self._stream.width = height, width
            self._is_open = True
        frame = self._av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels[:height, :width]), format="rgb24")
        self._container.mux(self._stream.encode(frame))

    def close(self) -> None:
        """Finish the file; a video without frames has none."""
        if self._is_open:
            self._container.mux(self._stream.encode())
        self._container.close()


def _pyav() -> Any:
    try:
        import av
    except ImportError as error:
        raise MissingToolError(
            f"reading a video needs PyAV, which is not installed ({error}): {install_line('video')}, or save "
            "the frames as images"
        ) from error
    av.logging.set_level(None)
    return av
