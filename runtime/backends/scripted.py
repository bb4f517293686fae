"""Follows a JSON script: how long each inference takes, and which fails. For tests and experiments."""

from __future__ import annotations

from pathlib import Path
from typing import Optional

from detlite.runtime.contract import Contract
from detlite.runtime.runners.backend import Backend, Settings
from detlite.runtime.runners.script import ScriptedRunner, read_script


def _open(model: Path, settings: Settings, contract: Optional[Contract]) -> ScriptedRunner:
    return ScriptedRunner(read_script(model), settings, contract)


PLUGIN = Backend(title="script", suffixes=(".json",), open=_open)
