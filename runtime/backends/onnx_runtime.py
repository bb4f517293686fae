"""ONNX Runtime on the CPU, or with the execution providers that are named as delegates."""

from __future__ import annotations

from pathlib import Path
from typing import Optional

from detlite.runtime.backend import Backend, Settings
from detlite.runtime.contract import Contract
from detlite.runtime.onnx_runner import OnnxRunner


def _open(model: Path, settings: Settings, _contract: Optional[Contract]) -> OnnxRunner:
    return OnnxRunner(model, settings)


PLUGIN = Backend(title="ONNX Runtime", suffixes=(".onnx",), open=_open, package="onnxruntime", rank=1)
