"""Small videos made in tests: of one colour a frame, of any rate, turned, cut short, or without a picture."""

import struct
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from detlite.runtime.arrays import Pixels

CODECS = {".mkv": ("ffv1", "bgr0"), ".mov": ("png", "rgb24")}
"""Those without loss."""


def grey(value: int, height: int = 48, width: int = 64) -> Pixels:
    """A frame of one grey, uint8 (height, width, 3)."""
    return np.full((height, width, 3), value, np.uint8)


def write_video(
    path: Path,
    frames: Sequence[Pixels],
    *,
    times_s: Sequence[float] | None = None,
    rate: int = 10,
    rotation: int = 0,
) -> Path:
    """Write *frames*, of one size, to *path*, without loss to an .mkv or .mov, at *times_s* or *rate* frames a second.

    A player turns the picture of a .mov counterclockwise by *rotation* degrees.
    """
    av = pytest.importorskip("av")
    height, width = frames[0].shape[:2]
    with av.open(str(path), "w") as container:
        codec, stream_format = CODECS.get(path.suffix, ("mpeg4", "yuv420p"))
        stream = container.add_stream(codec, rate=rate)
        stream.width, stream.height = width, height
        stream.pix_fmt = stream_format
        stream.codec_context.time_base = Fraction(1, 1000)
        for number, pixels in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts = round(1000 * (number / rate if times_s is None else times_s[number]))
            frame.time_base = Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    if rotation:
        path.write_bytes(_turned(path.read_bytes(), rotation))
    return path


def _turned(movie: bytes, rotation: int) -> bytes:
    """The .mov *movie* with the matrix of a *rotation* in its track header (ISO 14496-12, 8.3.2): 16.16 fixed point."""
    one = 1 << 16
    cosine, sine = {90: (0, one), -90: (0, -one), 180: (-one, 0)}[rotation]
    at = movie.index(b"tkhd") + 4 + 40  # of version 0
    matrix = struct.pack(">9i", cosine, -sine, 0, sine, cosine, 0, 0, 0, 1 << 30)
    return movie[:at] + matrix + movie[at + len(matrix) :]


def write_sound(path: Path) -> Path:
    """Write a tenth of a second of silence, and no picture."""
    av = pytest.importorskip("av")
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), format="s16", layout="mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path
