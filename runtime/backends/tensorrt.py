"""TensorRT by its own program: runs `trtexec` on an engine, or reads its `--exportTimes` JSON."""

from __future__ import annotations

from pathlib import Path

from detlite.runtime.load import Load
from detlite.runtime.runners.backend import Backend
from detlite.runtime.runners.imported import Imported
from detlite.runtime.runners.trtexec import read_times
from detlite.runtime.runners.trtexec_run import run_trtexec


def _measure(model: Path, load: Load, folder: Path) -> Imported:
    if model.suffix != ".json":
        return run_trtexec(model, load, folder)
    return Imported("TensorRT, by trtexec", read_times(model))


PLUGIN = Backend(title="TensorRT, by trtexec", suffixes=(".engine", ".plan", ".json"), measure=_measure)
