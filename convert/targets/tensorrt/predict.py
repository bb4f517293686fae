"""Predicting what a version of TensorRT will import of an ONNX file, and in which type each operator computes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from detlite.convert.onnx.inner_graphs import all_nodes
from detlite.convert.onnx.package import load_onnx
from detlite.convert.targets.tensorrt.rules import DOMAINS, Importing, refusal_of
from detlite.runtime.runners.tensorrt_versions import TensorRtVersion, row_of

ROUNDING = ("QuantizeLinear", "DequantizeLinear")
WEIGHTED = ("Conv", "ConvTranspose", "Gemm", "MatMul")
"""Operators that compute in int8 where both what they read and their weights come out of a DequantizeLinear."""

POOLS = ("MaxPool", "AveragePool", "GlobalAveragePool")
INT8, UNKNOWN = "int8", "unknown"
OPEN_SHAPES = "it has open shapes: trtexec takes 1 for them, unless --minShapes, --optShapes and --maxShapes say more"


@dataclass(frozen=True)
class ImportFate:
    """What becomes of one node.

    Attributes:
        index: its place in the file.
        operator: its type.
        node: its name.
        imports: whether TensorRT's importer takes it.
        precision: what it computes in, as written: `int8`, `float32`, ...; empty for a conversion that is fused away.
        rule: why it is refused; empty if it is not.
        cure: what to do; empty if it is taken.
    """

    index: int
    operator: str
    node: str
    imports: bool
    precision: str
    rule: str = ""
    cure: str = ""


@dataclass(frozen=True)
class ImportPrediction:
    """What a version of TensorRT will import of a file; nothing was compiled or measured.

    Attributes:
        version: (major, minor).
        row: what the version takes.
        opset: of the file.
        fates: one per node, in file order.
        notes: what a reader must know beside them.
    """

    version: tuple[int, int]
    row: TensorRtVersion
    opset: int
    fates: tuple[ImportFate, ...]
    notes: tuple[str, ...] = ()

    @property
    def refused(self) -> tuple[ImportFate, ...]:
        """The nodes that will not be imported."""
        return tuple(fate for fate in self.fates if not fate.imports)

    @property
    def operators(self) -> int:
        """The number of nodes that compute: all but the conversions to and from int8."""
        return sum(bool(fate.precision) for fate in self.fates)

    @property
    def int8(self) -> int:
        """The number of nodes that compute in int8."""
        return sum(fate.precision == INT8 for fate in self.fates)


def predict(model: Any, version: tuple[int, int]) -> ImportPrediction:
    """Return what TensorRT *version* (major, minor) will import of the `ModelProto` *model*.

    Raises:
        InputError: the version is too old, or a constant or an attribute is damaged.
        MissingToolError: the package `onnx` is not installed.
    """
    row, graph = row_of(version), model.graph
    constants = {one.name: one for one in graph.initializer}
    constants |= {node.output[0]: each.t for node in graph.node for each in node.attribute if _is_value(node, each)}
    importing = Importing(row, version, constants, _inputs(graph, constants))
    opset = next(one.version for one in model.opset_import if one.domain in DOMAINS)
    dtypes, makers = _dtypes(model), {name: node.op_type for node in graph.node for name in node.output}
    fates = []
    for index, node in enumerate(all_nodes(graph)):
        found, precision = refusal_of(node, importing), _precision(node, makers, dtypes)
        rule, cure = ("", "") if found is None else (found.rule, found.cure)
        fates.append(ImportFate(index, node.op_type, node.name, found is None, precision, rule, cure))
    return ImportPrediction(version, row, opset, tuple(fates), tuple(_notes(graph, row, opset)))


def alike(prediction: ImportPrediction) -> Iterator[tuple[str, int, str, str, str]]:
    """Yield (operator, count, precision, rule, cure) of nodes that are alike, refused ones first."""
    rows = Counter((not fate.rule, fate.operator, fate.precision, fate.rule, fate.cure) for fate in prediction.fates)
    for (_taken, operator, precision, rule, cure), count in sorted(rows.items()):
        yield operator, count, precision, rule, cure


def _is_value(node: Any, attribute: Any) -> bool:
    return bool(node.op_type == "Constant" and attribute.name == "value" and node.output)


def _inputs(graph: Any, constants: Mapping[str, Any]) -> dict[str, str]:
    return {one.name: _dtype(one) for one in graph.input if one.name not in constants}


def _dtype(value: Any) -> str:
    onnx = load_onnx()
    kind = value.type.tensor_type.elem_type
    if kind == onnx.TensorProto.STRING:
        return "string"
    known = kind and kind in onnx.TensorProto.DataType.values()  # 0 for a sequence, or where the file does not say
    return str(onnx.helper.tensor_dtype_to_np_dtype(kind).name) if known else UNKNOWN


def _dtypes(model: Any) -> dict[str, str]:
    """Return the dtypes of the tensors by name, as far as ONNX's shape inference finds them."""
    onnx = load_onnx()
    try:
        graph = onnx.shape_inference.infer_shapes(model).graph
    except onnx.shape_inference.InferenceError:  # of an operator that ONNX does not know: a rule says so
        graph = model.graph
    known = [value for value in (*graph.value_info, *graph.output) if value.type.tensor_type.elem_type]
    return {value.name: _dtype(value) for value in known}


def _precision(node: Any, makers: Mapping[str, str], dtypes: Mapping[str, str]) -> str:
    if node.op_type in ROUNDING:
        return ""
    read = node.input[:2] if node.op_type in WEIGHTED else node.input[:1] if node.op_type in POOLS else ()
    if read and all(makers.get(name) == "DequantizeLinear" for name in read):
        return INT8
    return dtypes.get(node.output[0], UNKNOWN) if node.output else UNKNOWN


def _notes(graph: Any, row: TensorRtVersion, opset: int) -> Iterator[str]:
    if opset > row.opset:
        yield f"opset {opset} is newer than TensorRT {row.since[0]}.{row.since[1]} documents ({row.opset})"
    sides = [side for one in graph.input for side in one.type.tensor_type.shape.dim]
    if any(not side.HasField("dim_value") for side in sides):
        yield OPEN_SHAPES
    if row.is_strongly_typed and not any(node.op_type in ROUNDING for node in graph.node):
        yield f"TensorRT {row.since[0]} computes in the types of the file: --precision fp16 writes a float16 one"
