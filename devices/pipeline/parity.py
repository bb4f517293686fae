"""Proof that the float TFLite model computes what the untouched graph computes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detlite.devices.pipeline.ledger import Record
from detlite.runtime.artifact import Artifact

TOLERANCE = 1e-3
"""Of box encodings (about -10 to 10) and scores (0 to 1): repairs and kernels add in another order, no more."""


def compare_heads(
    got: Sequence[NDArray[np.float32]], want: Sequence[NDArray[np.float32]]
) -> Record:
    """Return the largest differences between two (box encodings, class scores), and whether both are small."""
    encodings, scores = (float(np.abs(g - w).max()) for g, w in zip(got, want, strict=True))
    return {
        "box_encodings_max_difference": encodings,
        "class_scores_max_difference": scores,
        "tolerance": TOLERANCE,
        "passed": max(encodings, scores) <= TOLERANCE,
    }
