"""Small videos made in tests, of a moving ramp."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

HEIGHT, WIDTH = 48, 64


def write_scenes(path: Path, *greys: int, each: int = 20) -> Path:
    """A video with *each* frames of every one of *greys*, a scene each, over which a ramp moves."""
    pytest.importorskip("av")
    from detlite.accuracy.video import VideoWriter

    writer = VideoWriter(path, Fraction(10))
    for grey in greys:
        for number in range(each):
            ramp = (np.arange(WIDTH, dtype=np.uint8) + np.uint8(number)) % WIDTH // 4
            writer.write(np.broadcast_to(ramp[None, :, None] + np.uint8(grey), (HEIGHT, WIDTH, 3)))
    writer.close()
    return path
