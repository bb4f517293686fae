"""Operators of ONNX that move values compute the same in TensorFlow."""

import numpy as np
import pytest
from builders.onnx_nodes import in_onnx, in_tensorflow, node_model
from onnx import helper


@pytest.mark.parametrize(("axis", "indices", "shape"), [(2, -1, (1, 3, 4)), (1, [-1, 0], (1, 2, 4, 4))])
def test_gather_counts_negative_indices_from_the_end(axis, indices, shape):
    model = node_model(helper.make_node("Gather", ["x", "c"], ["y"], axis=axis), shape, np.array(indices))
    np.testing.assert_array_equal(in_tensorflow(model), in_onnx(model))
