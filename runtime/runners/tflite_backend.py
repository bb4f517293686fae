"""What the two TFLite interpreters have in common: delegates, and XNNPACK on or off."""

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
    """Return a back end's `open` that runs models with the first of *modules* that is installed."""

    def open_model(model: Path, settings: Settings, _contract: Optional[Contract]) -> Opened:
        module, _runtime = find_interpreter(modules)
        delegates = load_delegates(settings.delegates, module)
        # beside a delegate that was asked for, the runtime's own choice would take what that leaves, and hide it
        xnnpack = False if delegates and settings.xnnpack is None else settings.xnnpack
        opened = open_interpreter(
            model, threads=settings.threads, delegates=delegates, xnnpack=xnnpack, modules=modules
        )
        return dataclasses.replace(opened, delegate=" and ".join(settings.delegates))

    return open_model
