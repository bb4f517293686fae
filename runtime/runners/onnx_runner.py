"""An ONNX model in ONNX Runtime; its delegates are execution providers."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple

import numpy as np
from numpy.typing import NDArray

from detlite.runtime.errors import ContractError, DeviceError, InputError, MissingToolError, unknown_name
from detlite.runtime.runners.backend import Settings
from detlite.runtime.runners.delegates import parse_delegate
from detlite.runtime.runners.interpreter import Details
from detlite.runtime.runners.placement import Placement

RAISED = (
    *("EPFail", "EngineError", "Fail", "InvalidArgument", "InvalidGraph", "InvalidProtobuf", "ModelLoaded", "NoModel"),
    *("NoSuchFile", "NotImplemented", "RuntimeException"),
)
CPU = "CPUExecutionProvider"
DTYPES = {
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(double)": "float64",
    "tensor(bool)": "bool",
    **{f"tensor({name})": name for name in ("uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64")},
}


class OnnxRunner:
    """A session of ONNX Runtime.

    Attributes:
        runtime: the package and its version.
        inputs: name, index (from 0), shape, signature, dtype and no quantization, in the model's order; a dynamic side
            is 1 in the shape, and -1 in the signature; a tensor without numbers has the dtype object.
        outputs: the same for the outputs.
    """

    def __init__(self, model: Path, settings: Settings, *, trace: Optional[Path] = None) -> None:
        """Open *model* with the execution providers named as delegates in *settings*, then the CPU.

        With *trace*, the profiler is on; *trace* is the prefix of its file's name.

        Raises:
            InputError: ONNX Runtime cannot open it as a model, or *settings* are of another runtime.
            MissingToolError: ONNX Runtime is not installed, or lacks what a provider needs.
        """
        if settings.xnnpack is not None:
            raise InputError(
                "--xnnpack and --no-xnnpack are LiteRT's; where ONNX Runtime has XNNPACK, use --delegate xnnpack"
            )
        try:
            import onnxruntime
        except ModuleNotFoundError as error:
            raise MissingToolError("ONNX Runtime is not installed: pip install onnxruntime") from error
        self.runtime = f"onnxruntime {onnxruntime.__version__}"
        self._wanted = [_provider(text, onnxruntime.get_available_providers()) for text in settings.delegates]
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = settings.threads, 1
        if trace is not None:
            options.enable_profiling, options.profile_file_prefix = True, str(trace)
        if self._wanted:
            options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
        last = [] if CPU in [name for name, _options in self._wanted] else [CPU]
        try:
            self._session = onnxruntime.InferenceSession(str(model), options, providers=[*self._wanted, *last])
        except _errors() as error:
            raise InputError(f"{self.runtime} cannot open {model}: {_line(error)}") from error
        refuse_lost(self.runtime, [name for name, _options in self._wanted], self._session.get_providers())
        self.inputs = tuple(_details(i, one) for i, one in enumerate(self._session.get_inputs()))
        self.outputs = tuple(_details(i, one) for i, one in enumerate(self._session.get_outputs()))
        self._feed: Dict[str, NDArray[Any]] = {}
        self._results: List[NDArray[Any]] = []

    @property
    def placements(self) -> Tuple[Placement, ...]:
        """Return the number of nodes that each requested provider took; empty if the runtime does not say."""
        if not self._wanted or not hasattr(self._session, "get_provider_graph_assignment_info"):
            return ()
        parts = self._session.get_provider_graph_assignment_info()
        total = sum(len(part.get_nodes()) for part in parts)
        found = []
        for name, _options in self._wanted:
            own = [part for part in parts if part.ep_name == name]
            found.append(Placement(name, sum(len(part.get_nodes()) for part in own), total, len(own)))
        return tuple(found)

    def set_input(self, index: int, tensor: NDArray[Any]) -> None:
        """Use *tensor* as the input with that *index*; it is not copied and must not change before `invoke`."""
        self._feed[self.inputs[index]["name"]] = tensor

    def invoke(self) -> None:
        """Run the model.

        Raises:
            ContractError: an input does not fit the model.
            DeviceError: ONNX Runtime fails to run it.
        """
        for detail in self.inputs:
            tensor = self._feed.get(detail["name"])
            if tensor is None or tensor.dtype != detail["dtype"]:
                raise ContractError(
                    f"{self.runtime} does not accept the input {detail['name']}: want {detail['dtype']}"
                )
        try:
            self._results = self._session.run(None, self._feed)
        except _errors() as error:
            raise DeviceError(f"{self.runtime} failed to run the model: {_line(error)}") from error

    def output(self, index: int) -> NDArray[Any]:
        """Return the output with that *index* of the last `invoke`."""
        return self._results[index]

    def end_trace(self) -> Path:
        """Stop profiling, and return the trace file."""
        return Path(self._session.end_profiling())


def refuse_lost(runtime: str, wanted: Sequence[str], loaded: Sequence[str]) -> None:
    """Raise `MissingToolError` if a *wanted* provider is not among those *loaded*: the CPU would take its place."""
    for name in wanted:
        if name not in loaded:
            raise MissingToolError(
                f"{runtime} has {name}, and cannot load what it needs, such as the drivers and libraries of the GPU: "
                "install them, or leave out --delegate"
            )


def _errors() -> Tuple[Any, ...]:
    """Return the exceptions that ONNX Runtime raises; their only parent is Exception."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    return (ValueError, RuntimeError, *(getattr(state, name) for name in RAISED if hasattr(state, name)))


def _provider(text: str, available: List[str]) -> Tuple[str, Dict[str, str]]:
    name, options = parse_delegate(text)
    known = {short.lower().replace("executionprovider", ""): short for short in available}
    full = known.get(name.lower().replace("executionprovider", ""))
    if full is None:
        raise unknown_name("execution provider of this ONNX Runtime", name, known)
    return full, options


def _details(index: int, tensor: Any) -> Details:
    signature = tuple(side if isinstance(side, int) else -1 for side in tensor.shape)
    return {
        "name": tensor.name,
        "index": index,
        "shape": tuple(1 if side == -1 else side for side in signature),
        "signature": signature,
        "dtype": np.dtype(DTYPES.get(tensor.type, "object")),
        "quantization": (0.0, 0),
    }


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
