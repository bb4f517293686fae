"""An Edge TPU by its delegate, for files from Google's compiler; never falls back to the CPU."""

from __future__ import annotations

from pathlib import Path
from typing import Optional

from detlite.runtime.contract import Contract
from detlite.runtime.errors import InputError
from detlite.runtime.runners.backend import Backend, Settings
from detlite.runtime.runners.delegates import parse_delegate
from detlite.runtime.runners.edgetpu import open_edgetpu
from detlite.runtime.runners.edgetpu_runner import OpenedEdgeTpu


def _open(model: Path, settings: Settings, _contract: Optional[Contract]) -> OpenedEdgeTpu:
    texts = settings.delegates or ("edgetpu",)
    name, options = parse_delegate(texts[0])
    if len(texts) != 1 or name != "edgetpu":
        raise InputError(f"delegates {texts}: the Edge TPU's back end takes one, such as edgetpu,device=usb")
    return OpenedEdgeTpu(open_edgetpu(model, device=options.get("device", ""), library=options.get("library")))


PLUGIN = Backend(title="Edge TPU", suffixes=(".tflite",), open=_open)
