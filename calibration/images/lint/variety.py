"""Too little variety: many images, and few different ones."""

from __future__ import annotations

import numpy as np

from detlite.calibration.images.check import LintCheck, LintedImages, LintFinding
from detlite.calibration.images.content import Descriptors, content
from detlite.runtime.counts import counted

FEWEST = 6.0
"""Different images: 8 photographs of one's own have 6.2, 16 of COCO 11, 64 frames of one slow pan 1.03."""

SQUARE = 2.0  # squared distance of descriptors at which images are different: half of pairs in COCO are over 3.3
MOST = 1024  # images that are compared


def find(inspected: LintedImages) -> list[LintFinding]:
    """Return a finding where the images are as various as fewer than `FEWEST` different ones."""
    different = vendi(content(inspected.thumbnails[:MOST]))
    if different >= FEWEST:
        return []
    return [
        LintFinding(
            f"{counted(len(inspected.paths), 'image is', 'images are')} as various as {different:.1f} different ones",
            f"add images of other places, times and things, until there are {FEWEST:g}; --curve says what more bring",
        )
    ]


def vendi(descriptors: Descriptors) -> float:
    """Return how many different images there are: 1 where all are the same, n where no two are alike.

    The exponential of the entropy of the eigenvalues of the similarities (Friedman and Dieng, The Vendi Score, 2023).
    """
    squares = (descriptors**2).sum(axis=1)
    distances = np.maximum(squares[:, None] + squares[None] - 2 * descriptors @ descriptors.T, 0)
    values = np.linalg.eigvalsh(np.exp(-distances / SQUARE) / len(descriptors))
    values = values[values > np.finfo(np.float64).eps]
    return float(np.exp(-(values * np.log(values)).sum()))


PLUGIN = LintCheck(title="too little variety", find=find)
