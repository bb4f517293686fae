"""Runners without a model: one does nothing, the other follows a script.

A script is JSON, every key optional: `invoke_ms` (times of the inferences, used in turn), `first_ms`, `load_ms`,
`clock` (`machine`, which waits, or `scripted`, which does not), `delegate` (`name`, `taken`, `operators`), and what
goes wrong at inference number N: `fail_at` (an error), `die_at` (the process kills itself), `step_back_at` (the
clock goes back by `step_back_ms`).
"""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Mapping, Optional, Tuple

import numpy as np
from numpy.typing import NDArray

from detlite.runtime.clock import MACHINE_CLOCK, Clock, ScriptedClock
from detlite.runtime.contract import Contract
from detlite.runtime.counts import counted
from detlite.runtime.errors import DeviceError, InputError
from detlite.runtime.runners.backend import Settings
from detlite.runtime.runners.interpreter import Details
from detlite.runtime.runners.placement import Placement
from detlite.runtime.strict_json import load_json
from detlite.runtime.tensors import Quantization

SIZE = (300, 300)  # (height, width) of the input without a contract


@dataclass(frozen=True)
class Script:
    """What a script says; see the module."""

    invoke_ms: Tuple[float, ...] = (1.0,)
    first_ms: Optional[float] = None
    load_ms: float = 0.0
    clock: str = "scripted"
    delegate: Optional[Mapping[str, Any]] = None
    fail_at: Optional[int] = None
    die_at: Optional[int] = None
    step_back_at: Optional[int] = None
    step_back_ms: float = 1000.0

    def __post_init__(self) -> None:
        spans = (*self.invoke_ms, self.load_ms, self.step_back_ms, self.first_ms or 0)
        if not self.invoke_ms or not all(0 <= span <= 1e7 for span in spans):
            raise InputError(f"a script's times are {spans[:4]} ms: want at least one inference, each 0 to 1e7 ms")
        if self.clock not in ("machine", "scripted"):
            raise InputError(f"a script's clock is {self.clock!r}: want 'machine' or 'scripted'")


def read_script(path: Path) -> Script:
    """Return the script in the file at *path*.

    Raises:
        InputError: it is not a script.
    """
    try:
        record = load_json(path)
        unknown = set(record) - {field.name for field in fields(Script)}
        if unknown:
            raise InputError(f"{path}: a script has no {sorted(unknown)[0]!r}")
        spans = record.get("invoke_ms", [1.0])
        record["invoke_ms"] = tuple(float(span) for span in (spans if isinstance(spans, list) else [spans]))
        return Script(**record)
    except (ValueError, TypeError, AttributeError) as error:
        raise InputError(f"{path} cannot be read as a script: {error}") from error


class NullRunner:
    """A runner with a contract's tensors that computes nothing and returns zeros."""

    runtime = "nothing"
    placements: Tuple[Placement, ...] = ()

    def __init__(self, contract: Optional[Contract]) -> None:
        """Use the tensors of *contract*; without one, the input is an image of `SIZE` and there are no outputs."""
        image = None if contract is None else contract.image
        shape = (1, *SIZE, 3) if image is None else (1, image.height, image.width, image.channels)
        dtype = "uint8" if image is None else image.dtype
        self.inputs = (_details("image", 0, shape, dtype, image.quantization if image else None),)
        ordered = sorted(contract.outputs, key=lambda output: output.index) if contract else ()
        places = {output.index: output for output in ordered}
        count = max(places, default=-1) + 1
        self.outputs = tuple(
            _details(o.name, i + 1, o.shape, o.dtype, o.quantization)
            if (o := places.get(i))
            else _details("", i + 1, (1,), "float32", None)
            for i in range(count)
        )

    def set_input(self, index: int, tensor: NDArray[Any]) -> None:
        """Ignore *tensor*."""

    def invoke(self) -> None:
        """Do nothing."""

    def output(self, index: int) -> NDArray[Any]:
        """Return zeros."""
        detail = self.outputs[index - 1]
        return np.zeros(detail["shape"], detail["dtype"])


class ScriptedRunner(NullRunner):
    """A runner whose inferences take the times of a script, and fail where it says so."""

    def __init__(self, script: Script, settings: Settings, contract: Optional[Contract]) -> None:
        """Follow *script*; the threads of *settings* have no effect."""
        super().__init__(contract)
        self.runtime = f"script, {counted(settings.threads, 'thread')}"
        self.clock: Clock = ScriptedClock() if script.clock == "scripted" else MACHINE_CLOCK
        self._script, self._count = script, 0
        if script.delegate is not None:
            name, taken, operators = (script.delegate.get(key) for key in ("name", "taken", "operators"))
            self.placements = (Placement(str(name), int(taken or 0), int(operators or 0), 1),)
        self._spend(script.load_ms)

    def invoke(self) -> None:
        """Let the time of one inference pass, and fail where the script says so."""
        script, number = self._script, self._count
        self._count += 1
        if number == script.fail_at:
            raise DeviceError(f"the script fails at inference {number}")
        if number == script.die_at:
            os.kill(os.getpid(), signal.SIGKILL)
        if number == script.step_back_at and isinstance(self.clock, ScriptedClock):
            self.clock.pass_ns(-int(script.step_back_ms * 1e6))
        first = number == 0 and script.first_ms is not None
        self._spend(script.first_ms if first else script.invoke_ms[number % len(script.invoke_ms)])

    def _spend(self, span_ms: Optional[float]) -> None:
        span_ns = int((span_ms or 0) * 1e6)
        if isinstance(self.clock, ScriptedClock):
            self.clock.pass_ns(span_ns)
        else:
            self.clock.wait_until_ns(self.clock.now_ns() + span_ns)


def _details(
    name: str, index: int, shape: Tuple[int, ...], dtype: str, quantization: Optional[Quantization]
) -> Details:
    scale = (0.0, 0) if quantization is None else (quantization.scale, quantization.zero_point)
    return {"name": name, "index": index, "shape": shape, "dtype": np.dtype(dtype), "quantization": scale}
