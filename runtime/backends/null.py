"""Runs nothing: shows the overhead of measuring, and runs every scenario without an interpreter."""

from __future__ import annotations

from pathlib import Path
from typing import Optional

from detlite.runtime.contract import Contract
from detlite.runtime.runners.backend import Backend, Settings
from detlite.runtime.runners.script import NullRunner


def _open(_model: Path, _settings: Settings, contract: Optional[Contract]) -> NullRunner:
    return NullRunner(contract)


PLUGIN = Backend(title="nothing", suffixes=(".tflite", ".onnx", ".json"), open=_open)
