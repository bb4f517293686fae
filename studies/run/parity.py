"""Proof that the float TFLite model computes the same as the graph that it was made from."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detlite.runtime.artifact import Artifact
from detlite.runtime.child import run_in_child
from detlite.studies.run.ledger import Record

TOLERANCE = 1e-3
"""Tolerance for box encodings (about -10 to 10) and scores (0 to 1): only the order of summation differs."""

LARGE = 10.0
"""Heads with larger values, such as sizes in pixels, may differ by `TOLERANCE` for each `LARGE` of their largest."""

HEAD_TITLES = {"box_encodings": "box encodings", "class_scores": "scores"}


def parity(artifact: Artifact, images: Sequence[Path], reference: Path) -> Record:
    """Return how far the heads of *artifact* on *images* are from the file *reference* (.npz).

    A stream takes them as successive frames.
    """
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch) / "heads.npz"
        request = {
            "model": str(artifact.model),
            "contract": artifact.contract.to_json(),
            "images": [str(path) for path in images],
            "threads": 1,
            "successive": True,
            "out": str(out),
        }
        run_in_child("detlite.runtime.child_calls:heads", request)
        with np.load(out) as got, np.load(reference) as want:
            return compare_heads({role: got[role] for role in want.files}, {role: want[role] for role in want.files})


def compare_heads(got: Mapping[str, NDArray[np.float32]], want: Mapping[str, NDArray[np.float32]]) -> Record:
    """Return the largest difference of each head of *want*, by role, and whether all are within tolerance."""
    differences = {role: float(np.abs(got[role].reshape(head.shape) - head).max()) for role, head in want.items()}
    allowed = {role: TOLERANCE * max(1.0, float(np.abs(head).max()) / LARGE) for role, head in want.items()}
    return {
        **{f"{role}_max_difference": value for role, value in differences.items()},
        "tolerance": TOLERANCE,
        "passed": all(differences[role] <= allowed[role] for role in want),
    }


def differences_text(found: Record) -> str:
    """Return the differences in words: `box encodings by up to 2e-05, scores by up to 1e-06`."""
    ending = "_max_difference"
    known = {key.removesuffix(ending): value for key, value in found.items() if key.endswith(ending)}
    titles = {role: HEAD_TITLES.get(role, role.replace("_", " ")) for role in known}
    return ", ".join(f"{titles[role]} by up to {value:.2g}" for role, value in known.items())
