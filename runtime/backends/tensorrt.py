"""TensorRT by its own program: runs `trtexec` on an engine, or reads its `--exportTimes` JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Sequence

from detlite.runtime.errors import InputError
from detlite.runtime.load import Load
from detlite.runtime.runners.backend import Backend, Settings, Timed
from detlite.runtime.runners.imported import Imported
from detlite.runtime.runners.trtexec import read_times
from detlite.runtime.runners.trtexec_run import profile_engine, run_trtexec


def _measure(model: Path, load: Load, folder: Path) -> Imported:
    if model.suffix != ".json":
        return run_trtexec(model, load, folder)
    return Imported("TensorRT, by trtexec", read_times(model))


def _profile(model: Path, settings: Settings) -> Sequence[Timed]:
    if model.suffix == ".json":
        raise InputError(f"{model} holds the times of queries alone: a profile needs the engine")
    return profile_engine(model, settings)


PLUGIN = Backend(
    title="TensorRT, by trtexec", suffixes=(".engine", ".plan", ".json"), measure=_measure, profile=_profile
)
