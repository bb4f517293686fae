"""Proof that the float TFLite model computes the same as the original graph."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detlite.runtime.artifact import Artifact
from detlite.runtime.child import run_in_child
from detlite.studies.run.ledger import Record

TOLERANCE = 1e-3
"""Tolerance for box encodings (about -10 to 10) and scores (0 to 1): only the order of summation differs."""


def parity(artifact: Artifact, images: Sequence[Path], reference: Path) -> Record:
    """Return how far the heads of *artifact* on *images* are from the file *reference* (.npz)."""
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch) / "heads.npz"
        request = {
            "model": str(artifact.model),
            "contract": artifact.contract.to_json(),
            "images": [str(path) for path in images],
            "threads": 1,
            "out": str(out),
        }
        run_in_child("detlite.runtime.child_calls:heads", request)
        with np.load(out) as got, np.load(reference) as want:
            roles = ("box_encodings", "class_scores")
            return compare_heads([got[role] for role in roles], [want[role] for role in roles])


def compare_heads(got: Sequence[NDArray[np.float32]], want: Sequence[NDArray[np.float32]]) -> Record:
    """Return the largest differences of two (box encodings, class scores), and whether both are within tolerance."""
    encodings, scores = (float(np.abs(g - w).max()) for g, w in zip(got, want, strict=True))
    return {
        "box_encodings_max_difference": encodings,
        "class_scores_max_difference": scores,
        "tolerance": TOLERANCE,
        "passed": max(encodings, scores) <= TOLERANCE,
    }
