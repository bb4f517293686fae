"""The interface of a back end: it opens a model file and runs it."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Optional, Protocol, Sequence, Tuple

from numpy.typing import NDArray

from detlite.runtime.clock import Clock
from detlite.runtime.contract import Contract
from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError, MissingToolError
from detlite.runtime.model_file import suffix_of
from detlite.runtime.plugins import load_plugin, load_plugins
from detlite.runtime.runners.imported import Measure
from detlite.runtime.runners.interpreter import Details
from detlite.runtime.runners.placement import Placement

BACKENDS = "detlite.runtime.backends"


@dataclass(frozen=True)
class Settings:
    """How a back end is to run a model.

    Attributes:
        threads: number of the interpreter's threads.
        xnnpack: whether XNNPACK must run operators (True) or must not (False); None leaves it to the runtime.
        delegates: each a name or a library's path, with its options: `edgetpu,device=usb`.
    """

    threads: int = 1
    xnnpack: Optional[bool] = None
    delegates: Tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 1 <= self.threads <= 256:
            raise InputError(f"{counted(self.threads, 'thread')}: want 1 to 256")
        if self.xnnpack and self.delegates:
            raise InputError(
                "--xnnpack and --delegate cannot be combined: the report could not say which ran an operator"
            )


class Runner(Protocol):
    """An open model, as `Session` and a measurement use it.

    `inputs` and `outputs` are in the model's order, each with `name`, `index`, `shape`, `dtype` and `quantization`
    (scale, zero point).
    """

    @property
    def runtime(self) -> str:
        """Return the package that runs the model, and its version."""

    @property
    def inputs(self) -> Tuple[Details, ...]:
        """Return the inputs."""

    @property
    def outputs(self) -> Tuple[Details, ...]:
        """Return the outputs."""

    @property
    def placements(self) -> Tuple[Placement, ...]:
        """Return the delegates that took operators, and how many each took."""

    def set_input(self, index: int, tensor: NDArray[Any]) -> None:
        """Set the input with that *index* to *tensor*."""

    def invoke(self) -> None:
        """Run the model."""

    def output(self, index: int) -> NDArray[Any]:
        """Return a copy of the output with that *index*."""


@dataclass(frozen=True)
class Timed:
    """One operator that was run.

    Attributes:
        operator: what the back end calls it.
        place: where it ran: a delegate, the interpreter, a provider.
        mean_ms: mean time of the middle half of many runs.
        size_bytes: size of the tensors that it reads and writes, including weights; None if unknown.
    """

    operator: str
    place: str
    mean_ms: float
    size_bytes: Optional[int] = None


@dataclass(frozen=True)
class Backend:
    """One way to run a model.

    Attributes:
        title: its name, for people.
        suffixes: suffixes of the model files that it opens.
        open: opens the model file; the contract is None if there is none.
        measure: for a back end that runs no model itself: runs another program to measure, or reads its results.
        profile: returns the time of each operator; None if the back end has no profiler.
        package: the module that must be importable; None if there is none.
        rank: among the installed back ends for a suffix, the lowest rank is the default; None if it must be named.
    """

    title: str
    suffixes: Tuple[str, ...]
    open: Optional[Callable[[Path, Settings, Optional[Contract]], Runner]] = None
    measure: Optional[Measure] = None
    profile: Optional[Callable[[Path, Settings], Sequence[Timed]]] = None
    package: Optional[str] = None
    rank: Optional[int] = None


def backend_for(model: Path, name: Optional[str]) -> Tuple[str, Backend]:
    """Return the back end called *name*, or, for None, the default one for a file such as *model*.

    Raises:
        UnknownNameError: no back end has that name.
        InputError: it cannot open such files, or no back end can.
    """
    suffix = suffix_of(model)
    if name is not None:
        backend: Backend = load_plugin(BACKENDS, name)
        if suffix not in backend.suffixes:
            raise InputError(f"{name} opens only {', '.join(backend.suffixes)} files, not {model}")
        return name, backend
    known = load_plugins(BACKENDS)
    fitting = {key: one for key, one in known.items() if one.rank is not None and suffix in one.suffixes}
    for key in sorted(fitting, key=lambda key: (fitting[key].rank, key)):
        if importlib.util.find_spec(fitting[key].package) is not None:
            return key, fitting[key]
    if fitting:
        raise MissingToolError(f"{model} needs one of {', '.join(one.package for one in fitting.values())}: install it")
    raise InputError(
        f"no back end opens {model} by default: give a .tflite or .onnx model, or name a back end: {', '.join(known)}"
    )


def clock_of(runner: Runner, otherwise: Clock) -> Clock:
    """Return the clock of *runner* if it has one, as a scripted runner does, else *otherwise*."""
    clock: Clock = getattr(runner, "clock", otherwise)
    return clock
