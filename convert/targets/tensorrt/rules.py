"""Why TensorRT's importer refuses a node of an ONNX graph: its operator, its attributes, or its numbers.

`tests/interop` tries these rules with the importer of TensorRT for RTX 1.7: zero points, int32 biases, pools,
antialiasing, uint8 inputs, other domains. The rules for other inputs, 16-bit rounding,
a Resize's coordinates and older versions are not tried.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from detlite.convert.onnx.package import load_onnx
from detlite.convert.targets.tensorrt.operators import CURES, EFFICIENT_NMS, NEVER, SINCE
from detlite.runtime.errors import InputError
from detlite.runtime.runners.tensorrt_versions import TensorRtVersion

DOMAINS = ("", "ai.onnx")
QUANTIZED = "export an int8-float-bias model with --target tensorrt"
WITHOUT = "leave it out, or run it on the CPU"


@dataclass(frozen=True)
class ImportRefusal:
    """Why a node is refused, and what to do."""

    rule: str
    cure: str


@dataclass(frozen=True, eq=False)
class Importing:
    """What the rules read beside the node.

    Attributes:
        row: what the version takes.
        version: (major, minor).
        constants: the graph's constants by name, `TensorProto`s.
        inputs: dtypes of the graph's inputs by name.
    """

    row: TensorRtVersion
    version: tuple[int, int]
    constants: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, str] = field(default_factory=dict)

    def constant(self, node: Any, place: int) -> np.ndarray[Any, Any] | None:
        """Return the value of the node's input at *place*; None if it has none, or it is no constant.

        Raises:
            InputError: the constant is damaged.
        """
        name = node.input[place] if place < len(node.input) else ""
        found = self.constants.get(name)
        if found is None:
            return None
        try:
            return np.asarray(load_onnx().numpy_helper.to_array(found))
        except (ValueError, LookupError, TypeError) as error:
            raise InputError(f"the constant {name[:80]} of the .onnx is damaged: {str(error)[:100]}") from error


def refusal_of(node: Any, importing: Importing) -> ImportRefusal | None:
    """Return why the importer refuses the `NodeProto` *node*; None if it takes it.

    Raises:
        InputError: a constant or an attribute of it is damaged.
    """
    if node.op_type == EFFICIENT_NMS:
        return _plugin(node, importing)
    if node.domain not in DOMAINS:
        return ImportRefusal(f"its domain {node.domain} is not ONNX's: it takes a plug-in of that name", WITHOUT)
    return _operator(node, importing) or _input(node, importing) or RULES.get(node.op_type, _taken)(node, importing)


def _operator(node: Any, importing: Importing) -> ImportRefusal | None:
    name, cure = node.op_type, CURES.get(node.op_type, WITHOUT)
    if name in NEVER or not load_onnx().defs.has(name):
        return ImportRefusal("TensorRT's importer has no such operator", cure)
    since = SINCE.get(name, importing.version)
    if since > importing.version:
        what = "pads its output before" if name == "NonMaxSuppression" else "takes it from"
        return ImportRefusal(
            f"TensorRT {what} {since[0]}.{since[1]}" + (" on" if what == "takes it from" else ""), cure
        )
    return None


def _plugin(node: Any, importing: Importing) -> ImportRefusal | None:
    agnostic = _attribute(node, "class_agnostic", 0)
    if agnostic and not importing.row.has_class_agnostic:
        return ImportRefusal("EfficientNMS_TRT has class_agnostic, for fast NMS, from 8.6 on", "export with --nms none")
    return None


def _input(node: Any, importing: Importing) -> ImportRefusal | None:
    """Return why the node cannot read one of the graph's inputs."""
    for name in node.input:
        dtype = importing.inputs.get(name)
        if dtype in ("uint16", "uint32", "uint64", "int16", "string", "complex64", "complex128"):
            return ImportRefusal(f"the input {name} is {dtype}, which TensorRT does not have", "give a float32 input")
        if dtype == "uint8" and not importing.row.has_uint8:
            return ImportRefusal(f"the input {name} is uint8, which TensorRT has from 8.5 on", "give a float32 input")
        if dtype == "uint8" and node.op_type != "Cast":
            return ImportRefusal(
                f"the input {name} is uint8: TensorRT only casts it", "put a Cast right after the input"
            )
    return None


def _taken(_node: Any, _importing: Importing) -> None:
    return None


def _rounds(node: Any, importing: Importing) -> ImportRefusal | None:
    """Return why a QuantizeLinear or a DequantizeLinear is refused."""
    zero, stored = importing.constant(node, 2), importing.constant(node, 0)
    dtype = zero.dtype.name if zero is not None else None if stored is None else stored.dtype.name
    if node.op_type == "DequantizeLinear" and stored is not None and stored.dtype.kind in "iu" and stored.itemsize > 1:
        return ImportRefusal(f"TensorRT dequantizes no {stored.dtype.name}, as biases are", QUANTIZED)
    if dtype in ("int16", "uint16", "int32"):
        return ImportRefusal(f"TensorRT rounds to no {dtype}", QUANTIZED)
    if zero is not None and np.any(zero != 0):
        return ImportRefusal(f"its zero point is {np.ravel(zero)[0]} ({dtype}), and TensorRT takes 0 alone", QUANTIZED)
    return None


def _pools(node: Any, _importing: Importing) -> ImportRefusal | None:
    if len([name for name in node.output if name]) > 1:
        return ImportRefusal("TensorRT gives no indices of a MaxPool", "leave out its second output")
    if any(step != 1 for step in _attribute(node, "dilations", [])):
        return ImportRefusal("TensorRT pools without dilations", WITHOUT)
    return None


def _resizes(node: Any, _importing: Importing) -> ImportRefusal | None:
    if _attribute(node, "antialias", 0):
        return ImportRefusal("TensorRT resizes without antialiasing", WITHOUT)
    if _attribute(node, "coordinate_transformation_mode", b"") in (b"tf_crop_and_resize", b"half_pixel_symmetric"):
        return ImportRefusal("TensorRT does not have this coordinate_transformation_mode", WITHOUT)
    return None


def _attribute(node: Any, name: str, default: Any) -> Any:
    onnx = load_onnx()
    found = next((onnx.helper.get_attribute_value(one) for one in node.attribute if one.name == name), default)
    if not isinstance(found, type(default)):
        raise InputError(f"the attribute {name} of a {node.op_type} of the .onnx is damaged: {found!r:.40}")
    return found


RULES: Mapping[str, Callable[[Any, Importing], ImportRefusal | None]] = {
    "QuantizeLinear": _rounds,
    "DequantizeLinear": _rounds,
    "MaxPool": _pools,
    "AveragePool": _pools,
    "Resize": _resizes,
}
