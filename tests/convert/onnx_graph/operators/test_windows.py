"""A resize in ONNX is the same in TensorFlow, or is refused."""

import numpy as np
import onnx
import pytest
from builders.onnx_nodes import in_onnx, in_tensorflow, node_model
from onnx import helper

from detlite.runtime.errors import InputError


def resize(side, opset, kind="Resize", **given):
    """A model that resizes 4 x 4 cells to *side* x *side*."""
    scales = np.array([1, 1, side / 4, side / 4], np.float32)
    inputs = ["x", "", "c"] if opset > 10 else ["x", "c"]
    return node_model(helper.make_node(kind, inputs, ["y"], **given), (1, 3, side, side), scales, opset)


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
