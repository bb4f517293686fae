"""From a whole TensorFlow graph to the bytes of an ONNX file, by tf2onnx."""

from __future__ import annotations

import logging
from typing import Any

from detlite.convert.extras import install_line
from detlite.convert.onnx.inner_graphs import all_nodes
from detlite.convert.onnx.package import load_onnx
from detlite.convert.tensorflow import REFUSALS, first_line, load_tensorflow
from detlite.convert.whole_graph.ends import WholeGraph
from detlite.convert.whole_graph.names import make_repeatable
from detlite.runtime.errors import InputError, MissingToolError

OPSETS = range(11, 19)
"""What tf2onnx writes, of what detlite's own writer offers."""

DOMAINS = ("", "ai.onnx", "ai.onnx.ml")
"""What ONNX Runtime has without further packages."""


def load_tf2onnx() -> Any:
    """Return the module `tf2onnx`, which logs nothing below errors.

    Raises:
        MissingToolError: it, or TensorFlow, is not installed.
    """
    load_tensorflow()
    load_onnx()
    try:
        import tf2onnx
    except ModuleNotFoundError as error:
        if error.name != "tf2onnx":
            raise
        raise MissingToolError(f"this TensorFlow graph needs the package tf2onnx: {install_line('tf2onnx')}") from error
    logging.getLogger("tf2onnx").setLevel(logging.CRITICAL)
    return tf2onnx


def write(whole: WholeGraph, opset: int) -> bytes:
    """Return the ONNX file of *whole*, which `with_ends` returned; the same bytes for the same graph.

    Raises:
        InputError: tf2onnx cannot write the graph, or writes operators that ONNX lacks.
        MissingToolError: as `load_tf2onnx`.
    """
    if opset not in OPSETS:
        raise InputError(f"opset {opset}: tf2onnx writes {OPSETS[0]} to {OPSETS[-1]}")
    tf2onnx, onnx = load_tf2onnx(), load_onnx()
    from tensorflow.errors import OpError

    try:
        model, _stored_outside = tf2onnx.convert.from_graph_def(
            whole.graph_def,
            input_names=list(whole.inputs.values()),
            output_names=list(whole.outputs.values()),
            opset=opset,
            tensors_to_rename={tensor: name for ends in (whole.inputs, whole.outputs) for name, tensor in ends.items()},
        )
    except (OpError, NotImplementedError, *REFUSALS) as error:
        raise InputError(f"tf2onnx cannot convert the graph: {first_line(error)[:300]}") from error
    operators = {(node.domain, node.op_type) for node in all_nodes(model.graph)}
    unknown = sorted(operator for operator in operators if not _is_known(operator, opset))
    if unknown:
        raise InputError(f"tf2onnx has no ONNX operators for {', '.join(op for _domain, op in unknown)}")
    make_repeatable(model)
    try:
        onnx.checker.check_model(model, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise InputError(f"tf2onnx's file is not valid ONNX: {' '.join(str(error).split())[:300]}") from error
    data: bytes = model.SerializeToString(deterministic=True)
    return data


def _is_known(operator: tuple[str, str], opset: int) -> bool:
    domain, name = operator
    has = load_onnx().defs.has
    return domain in DOMAINS and bool(has(name, opset, domain) if domain == "" else has(name, domain))
