"""Videos, decoded and encoded by FFmpeg through PyAV, the extra `video`.

Frames are decoded one at a time, so that a video of any length needs the same memory. They come in the order in which
they are shown, each once whatever its duration; `at_rate` takes them by their time stamps instead.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from detlite.accuracy.dataset import one_error
from detlite.convert.extras import install_line
from detlite.runtime.arrays import Pixels
from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError, MissingToolError
from detlite.runtime.image.files import folder_files
from detlite.runtime.image.read import MAX_PIXELS

VIDEO_SUFFIXES = (
    ".mp4",
    ".m4v",
    ".mov",
    ".avi",
    ".mkv",
    ".webm",
    ".mpg",
    ".mpeg",
    ".ogv",
    ".flv",
    ".wmv",
    ".3gp",
    ".mts",
    ".m2ts",
)
"""What marks a file as a video where images are expected too."""

USUAL_RATE = Fraction(30)
"""Frames a second of a video whose container states no rate."""

TICKS = 90_000
"""Of a second: the time stamps of a video that is written, as MPEG has them."""

ROUNDED_S = 0.0015
"""By how much a time stamp may be off: Matroska's are whole milliseconds, and the first frame's counts too."""

RIGHT_ANGLE = 90

MISSING_S = 1.0
"""How much earlier than its header says a video may end: writers round, and count the sound that goes on."""


class UnreadableVideoError(InputError):
    """A video is damaged, cut short or none at all; of several, the others can still be used."""


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
        """Return the frame as uint8 (height, width, 3), RGB, turned upright by the rotation that the video states.

        A rotation by anything but right angles is left to the viewer.
        """
        pixels = self.decoded.to_ndarray(format="rgb24")
        turns, rest = divmod(int(self.decoded.rotation), RIGHT_ANGLE)  # counterclockwise, as FFmpeg's display matrix
        return np.ascontiguousarray(np.rot90(pixels, turns) if turns and not rest else pixels)


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
        UnreadableVideoError: it is no video, is damaged, or its frames are too large; reading its frames raises this
            too.
        MissingToolError: PyAV is not installed.
    """
    av = _pyav()
    options = {"protocol_whitelist": "file"}  # a playlist must not lead anywhere else
    with _damage_as_one_error(av, path):
        container = av.open(f"file:{path.absolute()}", options=options)
    with container:
        if not container.streams.video:
            raise UnreadableVideoError(f"{path} has no video stream: give a video")
        stream = container.streams.video[0]
        yield Video(stream.average_rate or USUAL_RATE, _frames(av, path, container))


def is_video(path: Path) -> bool:
    """Return whether the name of *path* marks a video; a hidden file is none."""
    return path.suffix.lower() in VIDEO_SUFFIXES and not path.name.startswith(".")


def folder_videos(folder: Path) -> tuple[Path, ...]:
    """Return the videos in *folder* and in the folders below it, sorted by path.

    Raises:
        InputError: it is no folder, cannot be read, or has none.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder: give a folder of videos")
    found = tuple(path for path in folder_files(folder).skipped if is_video(path) and path.is_file())
    if not found:
        raise InputError(f"{folder} has no video: give a folder with {', '.join(VIDEO_SUFFIXES)} files")
    return found


def none_readable(reasons: Sequence[str]) -> str:
    """Return the text of the error that none of several videos can be read, for these *reasons*, one for each."""
    if len(reasons) == 1:
        return reasons[0]
    return f"none of the {counted(len(reasons), 'video')} can be read; the first: {reasons[0]}"


def count_frames(path: Path) -> int:
    """Return the number of frames of the video *path*: it is decoded, for many containers state another number.

    Raises:
        InputError, MissingToolError: as `open_video`.
    """
    with open_video(path) as video:
        return sum(1 for _frame in video.frames)


def first_frames(path: Path, count: int, folder: Path) -> tuple[tuple[Path, ...], tuple[int, ...]]:
    """Write the first *count* frames of the video *path* to *folder* as .npy files.

    Returns:
        The files, and for each the time in ns that decoding it took, with its conversion to RGB.

    Raises:
        InputError, MissingToolError: as `open_video`.
    """
    files: list[Path] = []
    times_ns: list[int] = []
    with open_video(path) as video:
        begin = time.perf_counter_ns()
        for frame in video.frames:
            pixels = frame.pixels()
            times_ns.append(time.perf_counter_ns() - begin)
            files.append(folder / f"{path.stem}-{len(files):06d}.npy")
            np.save(files[-1], pixels)
            if len(files) == count:
                break
            begin = time.perf_counter_ns()
    return tuple(files), tuple(times_ns)


def at_rate(frames: Iterable[Frame], per_second: float, name: str = "the video") -> Iterator[Frame]:
    """Yield the frame that is shown at each tick of a camera of *per_second* frames a second, from the first on.

    A frame is dropped if no tick falls into its time, and repeated if several do. A frame that is up to `ROUNDED_S`
    late for a tick is shown at it: at its own rate, a video gives each frame once.

    Raises:
        InputError: a frame has no time stamp; the text calls the video *name*.
    """
    shown: Frame | None = None
    begin, ticks, late = 0.0, 0, min(ROUNDED_S, 1 / (4 * per_second))
    for frame in frames:
        if frame.time_s is None:
            raise InputError(f"{name}: its frames have no time stamps, by which --fps takes them: leave out --fps")
        begin = frame.time_s if shown is None else begin
        while shown is not None and begin + ticks / per_second < frame.time_s - late:
            yield shown
            ticks += 1
        shown = frame
    if shown is not None and begin + ticks / per_second <= (shown.time_s or 0.0) + late:
        yield shown


def _frames(av: Any, path: Path, container: Any) -> Iterator[Frame]:
    last, stream = None, container.streams.video[0]
    with _damage_as_one_error(av, path):
        for decoded in container.decode(stream):
            if decoded.width * decoded.height > MAX_PIXELS:
                raise UnreadableVideoError(
                    f"{path} has frames of {decoded.width} x {decoded.height} pixels; at most {MAX_PIXELS} are read"
                )
            last = decoded
            yield Frame(None if decoded.time is None else float(decoded.time), decoded)
    if last is None:
        raise UnreadableVideoError(f"{path} has no frames: give a video")
    stated_s = _stated_end_s(container, stream)
    if stated_s is not None and last.time is not None:
        end_s = last.time + float((last.duration or 0) * stream.time_base)
        if end_s < stated_s - MISSING_S:
            raise UnreadableVideoError(
                f"{path} is cut short: it ends after {end_s:.1f} of {stated_s:.1f} s; get it again"
            )


def _stated_end_s(container: Any, stream: Any) -> float | None:
    """Return when the header says that *stream* ends, in seconds; None if it does not say.

    FFmpeg reads a Matroska or AVI that is cut short to its end without an error. Matroska's writers state the end of a
    stream in a tag; the duration that FFmpeg gives for an AVI is that of the file as it is, not that in its header.
    """
    for name, value in stream.metadata.items():
        clock = re.fullmatch(r"(\d+):(\d\d):(\d\d(?:\.\d+)?)", value)
        if name.upper().startswith("DURATION") and clock:
            return 3600 * int(clock[1]) + 60 * int(clock[2]) + float(clock[3])
    ticks = stream.frames if container.format.name == "avi" else stream.duration
    return None if not ticks else float(((stream.start_time or 0) + ticks) * stream.time_base)


def _damage_as_one_error(av: Any, path: Path) -> AbstractContextManager[None]:
    text = f"{path} is truncated, damaged or not a video"
    return one_error((av.FFmpegError, OSError, ValueError), text, UnreadableVideoError)


class VideoWriter:
    """Writes frames to an H.264 video; it is as large as the first frame, made even as the codec requires.

    Frames are shown at their own times, so that a video of a variable rate stays in step.
    """

    def __init__(self, path: Path, rate: Fraction) -> None:
        """Open the file *path*, whose suffix chooses the container, for *rate* frames a second."""
        av = _pyav()
        self._av = av
        self._container = av.open(f"file:{path.absolute()}", mode="w")
        self._stream = self._container.add_stream("libx264", rate=rate, options={"crf": "20"})
        self._stream.pix_fmt = "yuv420p"
        self._stream.codec_context.time_base = Fraction(1, TICKS)
        self._ticks = round(TICKS / rate)
        self._last: int | None = None
        self._is_open = False

    def write(self, pixels: Pixels, time_s: float | None = None) -> None:
        """Append one frame: uint8 (height, width, 3), RGB; all have one size.

        It is shown at *time_s*, or one frame after the one before if that is None or not later.
        """
        height, width = (side - side % 2 for side in pixels.shape[:2])
        if not self._is_open:
            self._stream.height, self._stream.width = height, width
            self._is_open = True
        frame = self._av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels[:height, :width]), format="rgb24")
        at = None if time_s is None else round(time_s * TICKS)
        if self._last is not None and (at is None or at <= self._last):
            at = self._last + self._ticks
        self._last = frame.pts = at or 0
        frame.time_base = Fraction(1, TICKS)
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
