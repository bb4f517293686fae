"""How fast two models are on this machine, side by side in one run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from detlite.runtime.artifact import Artifact
from detlite.runtime.child import run_in_child
from detlite.runtime.progress import Progress, silent
from detlite.studies.run.ledger import Record


def side_by_side(
    artifacts: Sequence[Artifact],
    *,
    threads: int = 1,
    samples: int = 200,
    min_seconds: float = 1.0,
    image: Path | None = None,
    progress: Progress = silent,
) -> Record:
    """Return `runtime`, and for each of the *artifacts*, measured in turn, the fields of `Latency`."""
    request = {
        "models": [{"model": str(a.model), "contract": a.contract.to_json()} for a in artifacts],
        "threads": threads,
        "samples": samples,
        "min_seconds": min_seconds,
        "image": str(image) if image else None,
    }
    return run_in_child("detlite.runtime.child_calls:latency", request, progress=progress)
