"""Opening with either TFLite interpreter: delegates, and XNNPACK on or off."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Callable, Optional, Sequence, Tuple

from detlite.runtime.contract import Contract
from detlite.runtime.runners.backend import Settings
from detlite.runtime.runners.delegates import load_delegates
from detlite.runtime.runners.interpreter import Opened, find_interpreter, open_interpreter

Modules = Sequence[Tuple[str, str]]


def opener(modules: Modules) -> Callable[[Path, Settings, Optional[Contract]], Opened]:
    """Return the `open` function of a back end that uses the first installed one of *modules*."""

    def open_model(model: Path, settings: Settings, _contract: Optional[Contract]) -> Opened:
        module, _runtime = find_interpreter(modules)
        delegates = load_delegates(settings.delegates, module)
        # with a requested delegate, the runtime's default one would take the remaining operators and hide them
        xnnpack = False if delegates and settings.xnnpack is None else settings.xnnpack
        opened = open_interpreter(
            model, threads=settings.threads, delegates=delegates, xnnpack=xnnpack, modules=modules
        )
        return dataclasses.replace(opened, delegate=" and ".join(settings.delegates))

    return open_model
