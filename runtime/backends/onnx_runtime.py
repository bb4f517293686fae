"""ONNX Runtime on the CPU, or with execution providers named as delegates."""

from __future__ import annotations

from pathlib import Path
from typing import Optional, Sequence

from detlite.runtime.contract import Contract
from detlite.runtime.runners.backend import Backend, Settings, Timed
from detlite.runtime.runners.onnx_runner import OnnxRunner


def _open(model: Path, settings: Settings, _contract: Optional[Contract]) -> OnnxRunner:
    return OnnxRunner(model, settings)


def _profile(model: Path, settings: Settings) -> Sequence[Timed]:
    from detlite.runtime.runners.onnx_profiler import profile

    return profile(model, settings)


PLUGIN = Backend(title="ONNX Runtime", suffixes=(".onnx",), open=_open, profile=_profile, package="onnxruntime", rank=1)
