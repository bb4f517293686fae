"""Opening a .tflite model with the TFLite interpreter that is installed."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, Optional, Sequence, Set, Tuple

from numpy.typing import NDArray

from detlite.runtime.counts import counted
from detlite.runtime.errors import ContractError, DeviceError, InputError, MissingToolError

if TYPE_CHECKING:
    from detlite.runtime.runners.placement import Placement

MODULES = (
    ("ai_edge_litert.interpreter", "ai-edge-litert"),
    ("tflite_runtime.interpreter", "tflite-runtime"),
    ("tensorflow.lite", "tensorflow"),
)
"""In order of preference: LiteRT, tflite-runtime for old boards, and TensorFlow, the heaviest."""

MOST_TEXT = 300  # characters of a runtime's error: some list the whole model

EDGETPU_OP = "unresolved custom op: edgetpu-custom-op"

Details = Dict[str, Any]

DELEGATE = "DELEGATE"
"""An interpreter's name for the operator that replaces those that a delegate took."""


@dataclass(frozen=True, eq=False)
class Opened:
    """An interpreter with its tensors allocated.

    Attributes:
        interpreter: the runtime's interpreter object.
        runtime: the package and its version: `ai-edge-litert 2.3.0`.
        inputs: the runtime's details of the inputs: `name`, `index`, `shape`, `dtype`, `quantization`.
        outputs: the same for the outputs, in the model's order.
        delegate: the name of the requested delegate; "" if the runtime chose.
    """

    interpreter: Any
    runtime: str
    inputs: Tuple[Details, ...]
    outputs: Tuple[Details, ...]
    delegate: str = ""

    @property
    def placements(self) -> Tuple[Placement, ...]:
        """Return what a delegate took, from the interpreter's list of operators; empty if none took any."""
        from detlite.runtime.runners.placement import Placement

        parts, total = self.partitions, len(self._operators)
        taken = sum(map(len, parts))
        return (Placement(self.delegate or "XNNPACK", taken, total, len(parts)),) if parts else ()

    @property
    def partitions(self) -> Tuple[Tuple[int, ...], ...]:
        """Return the parts that a delegate took: for each, the numbers of the model's operators, in their order."""
        own, details = self._operators, self.interpreter._get_ops_details()
        kernels = (operator for operator in details if operator["op_name"] == DELEGATE)
        return tuple(tuple(sorted(_behind(kernel, own))) for kernel in kernels)

    @property
    def _operators(self) -> Sequence[Details]:
        """Return the model's operators; neither runtime has a public function for it."""
        return [one for one in self.interpreter._get_ops_details() if one["op_name"] != DELEGATE]

    def output(self, index: int) -> NDArray[Any]:
        """Return a copy of the output with the runtime's *index*."""
        tensor: NDArray[Any] = self.interpreter.get_tensor(index)
        return tensor

    def set_input(self, index: int, tensor: NDArray[Any]) -> None:
        """Set the input with the runtime's *index* to *tensor*.

        Raises:
            ContractError: *tensor* does not fit the model's input.
        """
        try:
            self.interpreter.set_tensor(index, tensor)
        except ValueError as error:
            raise ContractError(f"{self.runtime} does not accept the input: {_line(error)}") from error

    def invoke(self) -> None:
        """Run the model.

        Raises:
            DeviceError: the interpreter fails to run it.
        """
        try:
            self.interpreter.invoke()
        except RuntimeError as error:
            raise DeviceError(f"{self.runtime} failed to run the model: {_line(error)}") from error


def open_interpreter(
    model: Path,
    *,
    threads: int = 1,
    delegates: Tuple[Any, ...] = (),
    xnnpack: Optional[bool] = None,
    modules: Sequence[Tuple[str, str]] = MODULES,
) -> Opened:
    """Return the file *model*, opened and allocated, with *delegates* from an interpreter's `load_delegate`.

    Args:
        model: a .tflite file.
        threads: number of the interpreter's threads.
        delegates: offered the operators before the runtime's default delegate.
        xnnpack: False to use only the runtime's kernels; None leaves it to the runtime.
        modules: the interpreters to look for, (module, package) each.

    Raises:
        InputError: it is not a model, is damaged, or has an operator that the runtime does not know.
        MissingToolError: no interpreter is installed.
    """
    if threads < 1:
        raise InputError(f"{counted(threads, 'thread')}: want at least 1")
    if not model.is_file():
        raise InputError(f"{model} is not a file: give a .tflite model")
    found, runtime = find_interpreter(modules)
    more: Details = {"experimental_delegates": list(delegates)} if delegates else {}
    if xnnpack is False:
        more["experimental_op_resolver_type"] = _resolvers(found).BUILTIN_WITHOUT_DEFAULT_DELEGATES
    interpreter = None
    try:
        interpreter = found.Interpreter(model_path=str(model), num_threads=threads, **more)
        interpreter.allocate_tensors()
        inputs, outputs = tuple(interpreter.get_input_details()), tuple(interpreter.get_output_details())
    except (ValueError, RuntimeError, TypeError) as error:
        if EDGETPU_OP in str(error) and not delegates:
            raise InputError(
                f"{model} is compiled for the Edge TPU: run it there, or run the int8 model that it was compiled from"
            ) from error
        raise InputError(f"{runtime} cannot open {model}: {_line(error)}{_open_sizes(interpreter)}") from error
    return Opened(interpreter, runtime, inputs, outputs)


def _open_sizes(interpreter: Any) -> str:
    """Return what to do if an input of *interpreter*, None if the file is damaged, leaves its size open."""
    details = () if interpreter is None else interpreter.get_input_details()
    names = [one["name"] for one in details if any(side < 0 for side in list(one.get("shape_signature", ()))[1:])]
    return f"; its input {names[0]!r} leaves its size open: convert the model with a fixed size" if names else ""


def _resolvers(module: Any) -> Any:
    return module.OpResolverType if hasattr(module, "OpResolverType") else module.experimental.OpResolverType


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:MOST_TEXT]


def find_interpreter(modules: Sequence[Tuple[str, str]] = MODULES) -> Tuple[Any, str]:
    """Return the first installed one of *modules*, and its package with the version.

    Raises:
        MissingToolError: none is installed.
    """
    for module, package in modules:
        try:
            found = importlib.import_module(module)
        except ModuleNotFoundError as error:
            if error.name is not None and not module.startswith(error.name):
                raise  # the runtime is installed; something that it needs is missing
            continue
        return found, f"{package} {_version(package, found)}"
    raise MissingToolError(f"no TFLite interpreter is installed: pip install {' or '.join(p for _m, p in modules)}")


def _version(package: str, module: Any) -> str:
    """Return the version from the package's folder name: importing importlib.metadata takes 15 ms."""
    site = Path(module.__file__).parent
    while site != site.parent:
        for folder in site.glob(f"{package.replace('-', '_')}-*.dist-info"):
            return folder.name[len(package) + 1 : -len(".dist-info")]
        site = site.parent
        if site.name in ("lib", "lib64"):
            break
    import importlib.metadata

    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:  # such as tensorflow under another package name
        return "of unknown version"


def _behind(kernel: Details, operators: Sequence[Details]) -> Set[int]:
    """Return which of *operators* the delegate's *kernel* computes, walking from its outputs to its inputs."""
    made_by = {int(tensor): i for i, operator in enumerate(operators) for tensor in operator["outputs"]}
    known = {int(tensor) for tensor in kernel["inputs"]}
    waiting = [int(tensor) for tensor in kernel["outputs"]]
    found: Set[int] = set()
    while waiting:
        tensor = waiting.pop()
        if tensor in known or tensor not in made_by:
            continue
        known.add(tensor)
        found.add(made_by[tensor])
        waiting.extend(int(name) for name in operators[made_by[tensor]]["inputs"])
    return found
