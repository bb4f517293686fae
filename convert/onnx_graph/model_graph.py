"""An ONNX graph with fixed shapes and folded constants: nodes, constants and shapes by name."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detlite.convert.extras import install_line
from detlite.convert.onnx.inner_graphs import all_nodes, read_by
from detlite.convert.onnx.package import load_onnx
from detlite.runtime.errors import InputError, MissingToolError

Shape = tuple[int, ...]
Feeds = Mapping[str, NDArray[Any]]

QUIET = 4  # ONNX Runtime writes nothing below a fatal error
UNREGISTERED = "is not a registered function/op"
"""What ONNX Runtime says of an operator that it does not have."""


@dataclass(frozen=True, eq=False)
class OnnxModel:
    """A model, indexed; it is not changed.

    Attributes:
        proto: its `ModelProto`, in which no constant is an input.
        name: its file's, for errors.
    """

    proto: Any
    name: str

    @property
    def nodes(self) -> Sequence[Any]:
        """Its nodes, in execution order."""
        nodes: Sequence[Any] = self.proto.graph.node
        return nodes

    @property
    def opset(self) -> int:
        """The version of its operator set."""
        return next(int(one.version) for one in self.proto.opset_import if one.domain in ("", "ai.onnx"))

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of its inputs."""
        return tuple(value.name for value in self.proto.graph.input)

    @cached_property
    def makers(self) -> dict[str, Any]:
        """The node that makes each tensor."""
        return {output: node for node in self.nodes for output in node.output if output}

    @cached_property
    def readers(self) -> dict[str, list[Any]]:
        """The nodes that read each tensor."""
        readers: dict[str, list[Any]] = {}
        for node in self.nodes:
            for name in node.input:
                readers.setdefault(name, []).append(node)
        return readers

    @cached_property
    def constants(self) -> dict[str, NDArray[Any]]:
        """The value of each constant."""
        numpy_helper = load_onnx().numpy_helper
        return {one.name: numpy_helper.to_array(one) for one in self.proto.graph.initializer}

    @cached_property
    def shapes(self) -> dict[str, Shape]:
        """The shape of each tensor whose sides are all known."""
        onnx = load_onnx()
        inferred = onnx.shape_inference.infer_shapes(self.proto, data_prop=True).graph
        values = [*inferred.value_info, *inferred.input, *inferred.output]
        shapes = {value.name: shape for value in values if (shape := shape_of(value)) is not None}
        return shapes | {name: value.shape for name, value in self.constants.items()}

    def needed(self, outputs: Iterable[str], *, stop: Iterable[str] = ()) -> list[Any]:
        """Return the nodes that *outputs* depend on, in execution order; tensors of *stop* are taken as given."""
        wanted, nodes = set(outputs) - set(stop), []
        for node in reversed(self.nodes):
            if wanted & set(node.output):
                nodes.append(node)
                wanted |= set(read_by(node)) - set(stop)
        return nodes[::-1]

    def part(self, inputs: Mapping[str, tuple[Shape, int]], outputs: Iterable[str]) -> OnnxModel:
        """Return the part from *inputs*, each a shape and an element type, to *outputs*.

        Raises:
            InputError: the outputs depend on other inputs.
        """
        onnx = load_onnx()
        outputs = tuple(outputs)
        nodes = self.needed(outputs, stop=inputs)
        used = {name for node in nodes for name in read_by(node)} | set(outputs)
        others = [name for name in self.inputs if name in used and name not in inputs]
        if others:
            raise InputError(
                f"{self.name}: {', '.join(outputs)} depend on the input {others[0]} as well as on the image"
            )
        made = [onnx.helper.make_tensor_value_info(name, kind, shape) for name, (shape, kind) in inputs.items()]
        ends = [onnx.helper.make_empty_tensor_value_info(name) for name in outputs]
        constants = [one for one in self.proto.graph.initializer if one.name in used and one.name not in inputs]
        graph = onnx.helper.make_graph(nodes, "part", made, ends, constants)
        proto = onnx.helper.make_model(graph, ir_version=self.proto.ir_version, opset_imports=self.proto.opset_import)
        return OnnxModel(proto, self.name)

    def run(self, outputs: Sequence[str], feeds: Feeds) -> list[NDArray[Any]]:
        """Return the values of *outputs*, given those of *feeds*.

        Raises:
            InputError: ONNX Runtime cannot compute them.
        """
        onnx = load_onnx()
        kinds = {
            name: (value.shape, onnx.helper.np_dtype_to_tensor_dtype(value.dtype)) for name, value in feeds.items()
        }
        session = _session(self.part(kinds, outputs), f"{self.name}: cannot compute {', '.join(outputs)}")
        used = {value.name for value in session.get_inputs()}
        values: list[NDArray[Any]] = session.run(
            list(outputs), {name: value for name, value in feeds.items() if name in used}
        )
        return values

    def folded(self) -> OnnxModel:
        """Return the model as ONNX Runtime folds it: constants, chains of shapes, and batch norms after convolutions.

        Raises:
            InputError: ONNX Runtime cannot open it.
        """
        onnx = load_onnx()
        with tempfile.TemporaryDirectory(prefix="detlite-") as folder:
            file = Path(folder) / "folded.onnx"
            _session(self, f"{self.name}: ONNX Runtime cannot open the model", write=file)
            return OnnxModel(onnx.load_model(str(file)), self.name)


def shape_of(value: Any) -> Shape | None:
    """Return the shape of a `ValueInfoProto`, or None if a side is not known."""
    kind = value.type.tensor_type
    if not kind.HasField("shape"):
        return None
    sides = [dim.dim_value if dim.HasField("dim_value") else -1 for dim in kind.shape.dim]
    return tuple(sides) if all(side >= 0 for side in sides) else None


def _session(model: OnnxModel, what: str, *, write: Path | None = None) -> Any:
    """Return ONNX Runtime's session of *model*; *write* is the file for the folded model; *what* starts an error."""
    try:
        import onnxruntime
    except ModuleNotFoundError as error:
        if error.name != "onnxruntime":
            raise
        raise MissingToolError(f"converting ONNX models needs onnxruntime: {install_line('onnx')}") from error
    options = onnxruntime.SessionOptions()
    options.log_severity_level = QUIET
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    if write is not None:
        options.optimized_model_filepath = str(write)
    state = onnxruntime.capi.onnxruntime_pybind11_state
    refusals = (state.Fail, state.InvalidArgument, state.InvalidGraph, state.NotImplemented, state.RuntimeException)
    try:
        return onnxruntime.InferenceSession(
            model.proto.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
    except (*refusals, ValueError) as error:
        foreign = sorted({f"{node.domain}.{node.op_type}" for node in all_nodes(model.proto.graph) if node.domain})
        if foreign and UNREGISTERED in str(error):
            raise InputError(f"{what}: it has operators of other domains than ONNX's: {', '.join(foreign)}") from error
        raise InputError(f"{what}: {' '.join(str(error).split())[:300]}") from error


def normalized(proto: Any, name: str) -> OnnxModel:
    """Return the model *proto* without constants among its inputs; *name* is its file's."""
    constants = {one.name for one in proto.graph.initializer}
    inputs = [value for value in proto.graph.input if value.name not in constants]
    del proto.graph.input[:]
    proto.graph.input.extend(inputs)
    return OnnxModel(proto, name)


def attributes(node: Any) -> dict[str, Any]:
    """Return the attributes of *node* by name; texts are bytes."""
    helper = load_onnx().helper
    return {one.name: helper.get_attribute_value(one) for one in node.attribute}


def as_int(value: NDArray[Any]) -> int:
    """Return the only number in *value*."""
    return int(np.asarray(value).reshape(-1)[0])
