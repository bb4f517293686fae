"""Where a new scene begins in a video, by FFmpeg's measure of scene changes."""

from __future__ import annotations

import numpy as np

from detlite.runtime.arrays import Doubles, Pixels
from detlite.runtime.image.preprocess import LUMA

CUT = 10.0
"""Percent: the default threshold of FFmpeg's filter `scdet`."""

EVERY = 4
"""Of the rows and columns is looked at: a cut changes all of a frame."""


class SceneCuts:
    """Finds the cuts of one video, frame by frame.

    A frame begins a scene if its mean luma difference from the frame before is at least `CUT` percent, and so much
    over the difference before that: a fast pan is no cut. Source: FFmpeg, `vf_scdet.c`, get_scene_score.
    """

    def __init__(self) -> None:
        """Begin with no frame."""
        self._before: Doubles | None = None
        self._difference = 0.0

    def is_cut(self, frame: Pixels) -> bool:
        """Return whether *frame*, uint8 (height, width, 3), begins a new scene; the first one does not."""
        luma: Doubles = frame[::EVERY, ::EVERY].astype(np.float64) @ LUMA.astype(np.float64)
        before, self._before = self._before, luma
        if before is None:
            return False
        difference = 100.0 if before.shape != luma.shape else float(np.abs(luma - before).mean()) * 100 / 256
        score = min(difference, abs(difference - self._difference))
        self._difference = difference
        return score >= CUT
