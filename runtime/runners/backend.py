"""What every back end is: something that opens a model file, and runs it."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Optional, Protocol, Sequence, Tuple

from numpy.typing import NDArray

from detlite.runtime.clock import Clock
from detlite.runtime.contract import Contract
from detlite.runtime.errors import InputError, MissingToolError
from detlite.runtime.plugins import load_plugin, load_plugins
from detlite.runtime.runners.imported import Measure
from detlite.runtime.runners.interpreter import Details
from detlite.runtime.runners.placement import Placement

BACKENDS = "detlite.runtime.backends"


@dataclass(frozen=True)
class Settings:
    """How a back end is to run a model.

    Attributes:
        threads: of the interpreter.
        xnnpack: whether XNNPACK must take operators (True) or must not (False); None as the runtime does by itself.
        delegates: each a name or a library's path, with its options: `edgetpu,device=usb`.
    """

    threads: int = 1
    xnnpack: Optional[bool] = None
    delegates: Tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 1 <= self.threads <= 256:
            raise InputError(f"{self.threads} threads: want 1 to 256")
        if self.xnnpack and self.delegates:
            raise InputError("--xnnpack beside --delegate: which of them took an operator could not be told")


class Runner(Protocol):
    """A model that is open: what `Session` and a measurement need of it.

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
        """Return which delegates took operators, and how many."""

    def set_input(self, index: int, tensor: NDArray[Any]) -> None:
        """Hand over *tensor* as the input with that *index*."""

    def invoke(self) -> None:
        """Run the model."""

    def output(self, index: int) -> NDArray[Any]:
        """Return a copy of the output with that *index*."""


@dataclass(frozen=True)
class Timed:
    """One operator, as it was run.

    Attributes:
        operator: what the back end calls it.
        place: where it ran: a delegate, the interpreter, a provider.
        mean_ms: of the middle half of many runs.
        size_bytes: of the tensors that it reads and writes, weights too; None where that is not known.
    """

    operator: str
    place: str
    mean_ms: float
    size_bytes: Optional[int] = None


@dataclass(frozen=True)
class Backend:
    """One way to run a model.

    Attributes:
        title: what it is, for people.
        suffixes: of the model files that it opens.
        open: opens the model file; the contract is what is known of it, or None.
        measure: has another program measure, or reads what it measured, where the back end runs no model itself.
        profile: returns what each operator takes, where the back end has a profiler.
        package: the module that must be importable; None where nothing must.
        rank: of the back ends for one suffix, the lowest that is installed is taken; None where it must be named.
    """

    title: str
    suffixes: Tuple[str, ...]
    open: Optional[Callable[[Path, Settings, Optional[Contract]], Runner]] = None
    measure: Optional[Measure] = None
    profile: Optional[Callable[[Path, Settings], Sequence[Timed]]] = None
    package: Optional[str] = None
    rank: Optional[int] = None


def backend_for(model: Path, name: Optional[str]) -> Tuple[str, Backend]:
    """Return the back end called *name*, or, of None, the one that opens such a file as *model* by itself.

    Raises:
        UnknownNameError: there is none of that name.
        InputError: it opens no such files, or no back end does.
    """
    if name is not None:
        backend: Backend = load_plugin(BACKENDS, name)
        if model.suffix not in backend.suffixes:
            raise InputError(f"{name} opens {', '.join(backend.suffixes)} files, and {model} is none")
        return name, backend
    known = load_plugins(BACKENDS)
    fitting = {key: one for key, one in known.items() if one.rank is not None and model.suffix in one.suffixes}
    for key in sorted(fitting, key=lambda key: (fitting[key].rank, key)):
        if importlib.util.find_spec(fitting[key].package) is not None:
            return key, fitting[key]
    if fitting:
        raise MissingToolError(f"{model} wants one of {', '.join(one.package for one in fitting.values())}: install it")
    raise InputError(f"no back end opens {model} by itself: want a .tflite or .onnx model, or name one of {[*known]}")


def clock_of(runner: Runner, otherwise: Clock) -> Clock:
    """Return the clock that *runner* brings, as a scripted one does, or *otherwise*."""
    clock: Clock = getattr(runner, "clock", otherwise)
    return clock
