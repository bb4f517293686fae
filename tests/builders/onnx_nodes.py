"""One ONNX node, computed by ONNX Runtime and by TensorFlow."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from detlite.convert.onnx_graph.model_graph import OnnxModel
from detlite.convert.onnx_graph.operators.table import OPERATORS
from detlite.convert.onnx_graph.translation import translated

PICTURE = np.random.default_rng(0).standard_normal((1, 3, 4, 4)).astype(np.float32)


def node_model(node: Any, shape: Sequence[int], constant: NDArray[Any], opset: int = 13) -> Any:
    """The model of one *node*, which makes `y` of that *shape* from the image `x` and the constant `c`."""
    graph = helper.make_graph(
        [node],
        "one",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, PICTURE.shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)],
        [numpy_helper.from_array(constant, "c")],
    )
    return helper.make_model(graph, ir_version=7, opset_imports=[helper.make_opsetid("", opset)])


def in_tensorflow(model: Any) -> Any:
    """What the translated *model* makes of `PICTURE`, in ONNX's order of axes."""
    import tensorflow as tf

    graph_def = translated(OnnxModel(model, "m.onnx"), "x", {"end": lambda made: made.plain("y")}, OPERATORS)
    with tf.Graph().as_default() as graph:
        tf.compat.v1.import_graph_def(graph_def, name="")
        with tf.compat.v1.Session(graph=graph) as session:
            return session.run("end:0", {"detlite_image:0": PICTURE.transpose(0, 2, 3, 1)})


def in_onnx(model: Any) -> Any:
    """What ONNX Runtime makes of `PICTURE`."""
    import onnxruntime

    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": PICTURE})[0]
