"""A resize in ONNX is the same in TensorFlow, or is refused."""

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from detlite.convert.onnx_graph.model_graph import OnnxModel
from detlite.convert.onnx_graph.operators.table import OPERATORS
from detlite.convert.onnx_graph.translation import translated
from detlite.runtime.errors import InputError

PICTURE = np.random.default_rng(0).standard_normal((1, 3, 4, 4)).astype(np.float32)


def resize(side, opset, kind="Resize", **given):
    """A model that resizes 4 x 4 cells to *side* x *side*."""
    scales = numpy_helper.from_array(np.array([1, 1, side / 4, side / 4], np.float32), "scales")
    inputs = ["x", "", "scales"] if opset > 10 else ["x", "scales"]
    graph = helper.make_graph(
        [helper.make_node(kind, inputs, ["y"], **given)],
        "resize",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, PICTURE.shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, (1, 3, side, side))],
        [scales],
    )
    return helper.make_model(graph, ir_version=7, opset_imports=[helper.make_opsetid("", opset)])


def in_tensorflow(model):
    import tensorflow as tf

    graph_def = translated(OnnxModel(model, "m.onnx"), "x", {"end": lambda made: made.plain("y")}, OPERATORS)
    with tf.Graph().as_default() as graph:
        tf.compat.v1.import_graph_def(graph_def, name="")
        with tf.compat.v1.Session(graph=graph) as session:
            return session.run("end:0", {"detlite_image:0": PICTURE.transpose(0, 2, 3, 1)})


def in_onnx(model):
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": PICTURE})[0]


SAME = [
    (8, 13, {}),
    (12, 13, {}),
    (9, 13, {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}),
    (2, 10, {"mode": "nearest"}),
    (9, 10, {"mode": "nearest"}),
    (8, 10, {"mode": "linear"}),
    (9, 9, {"mode": "linear", "kind": "Upsample"}),
    (8, 13, {"mode": "linear"}),
]


@pytest.mark.parametrize(("side", "opset", "given"), SAME)
def test_a_resize_computes_the_same_by_each_rule(side, opset, given):
    model = resize(side, opset, **given)
    np.testing.assert_allclose(in_tensorflow(model), in_onnx(model), atol=1e-6)


OTHER = [
    (8, 13, {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "ceil"}),
    (12, 13, {"coordinate_transformation_mode": "asymmetric"}),
    (12, 13, {"coordinate_transformation_mode": "align_corners"}),
    (9, 13, {}),
    (3, 10, {"mode": "nearest"}),
]


@pytest.mark.parametrize(("side", "opset", "given"), OTHER)
def test_a_nearest_resize_that_picks_other_rows_than_tensorflow_is_refused(side, opset, given):
    onnx.checker.check_model(resize(side, opset, **given))
    with pytest.raises(InputError, match="m.onnx: the Resize that makes y is unsupported: its mode is nearest"):
        in_tensorflow(resize(side, opset, **given))
