"""Images of one colour, or nearly."""

from __future__ import annotations

import numpy as np

from detlite.calibration.images.check import LintCheck, LintedImages, LintFinding
from detlite.calibration.images.thumbnail import BLANK, contrast
from detlite.runtime.counts import agreed, counted


def find(inspected: LintedImages) -> list[LintFinding]:
    """Return one finding that names every image in which there is nothing to see."""
    blank = np.flatnonzero(contrast(inspected.thumbnails) < BLANK).tolist()
    if not blank:
        return []
    return [
        LintFinding(
            f"{len(blank)} of {counted(len(inspected.paths), 'image')} {agreed(len(blank), 'is', 'are')} of one "
            f"colour; the first is {inspected.paths[blank[0]].name}",
            "leave them out: they draw the ranges of all activations together",
            inspected.names(blank),
        )
    ]


PLUGIN = LintCheck(title="blank images", find=find)
