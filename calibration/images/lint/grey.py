"""Images without colour, for a model that sees colours."""

from __future__ import annotations

import numpy as np

from detlite.calibration.images.check import LintCheck, LintedImages, LintFinding
from detlite.runtime.counts import agreed, counted

COLOURED = 1.0  # of 255, between the means of two colours at a place: JPEG keeps grey photographs below
MOST_SHARE = 0.2  # of COCO's photographs 2 in 100 are grey


def find(inspected: LintedImages) -> list[LintFinding]:
    """Return a finding where many of the images are grey."""
    spread = np.ptp(inspected.thumbnails.astype(np.float64), axis=3).mean(axis=(1, 2))
    grey = np.flatnonzero(spread < COLOURED).tolist()
    reads_grey = inspected.confidence is not None and inspected.confidence.image.colour == "GRAY"
    if reads_grey or len(grey) <= MOST_SHARE * len(inspected.paths):
        return []
    return [
        LintFinding(
            f"{len(grey)} of {counted(len(inspected.paths), 'image')} {agreed(len(grey), 'has', 'have')} no colour; "
            f"the first is {inspected.paths[grey[0]].name}",
            "give colour images, unless the camera has none: ranges of colour channels come out too narrow",
            inspected.names(grey),
        )
    ]


PLUGIN = LintCheck(title="images without colour", find=find)
