"""Preparing a quantization-aware training graph for int8: symmetric weights, and a range for every tensor."""

from __future__ import annotations

import numpy as np
import pytest

from detlite.convert.graph.fake_quant import fit_for_int8, range_at
from detlite.convert.graph.index import GraphIndex
from detlite.convert.graph.trim import INPUT
from detlite.runtime.errors import InputError

SIDE = 4


def graph_of(body):
    """Return the graph that *body* builds on the image, cut at its output `head`."""
    import tensorflow as tf

    with tf.Graph().as_default() as graph:
        image = tf.compat.v1.placeholder(tf.float32, (1, SIDE, SIDE, 2), name=INPUT)
        tf.identity(body(tf, image), name="head")
        return graph.as_graph_def()


def fake_quant(tf, x, low, high, name, *, narrow=False):
    return tf.quantization.fake_quant_with_min_max_vars(x, low, high, 8, narrow_range=narrow, name=name)


def convolution(tf, x, weights, bounds):
    kernel = fake_quant(tf, np.float32(weights), *bounds, "kernel", narrow=True)
    return fake_quant(tf, tf.nn.conv2d(x, kernel, 1, "SAME"), -4.0, 4.0, "out")


def one_by_one(columns):
    """Return a 1x1 kernel with these output channels of two weights each."""
    return np.float32(columns).T.reshape(1, 1, 2, -1)


def fitted(graph_def):
    return GraphIndex(fit_for_int8(graph_def, ("head",)))


def kernel_bounds(index):
    (node,) = index.find(lambda node: node.op == "FakeQuantWithMinMaxVarsPerChannel")
    return value(index.constant(node, 0)), value(index.constant(node, 2))


def value(node):
    import tensorflow as tf

    return tf.make_ndarray(node.attr["value"].tensor)


def rounded_after(index, name):
    return [
        (pytest.approx(node.attr["min"].f), pytest.approx(node.attr["max"].f))
        for node in index.consumers(name)
        if node.op == "FakeQuantWithMinMaxArgs"
    ]


def test_weights_stay_on_their_trained_grid_where_127_steps_hold_them():
    graph = graph_of(lambda tf, x: convolution(tf, x, one_by_one([(0.501, -1.0), (1.0, 0.013)]), (-1.27, 1.27)))
    kernel, bound = kernel_bounds(fitted(graph))
    np.testing.assert_allclose(kernel.reshape(2, 2).T, [(0.5, -1.0), (1.0, 0.01)], atol=1e-6)
    np.testing.assert_allclose(bound, 1.27, rtol=1e-6)


def test_a_channel_beyond_127_steps_gets_a_wider_grid_and_the_others_do_not():
    graph = graph_of(lambda tf, x: convolution(tf, x, one_by_one([(1.4, 1.4), (0.5, -0.5)]), (-1.0, 1.54)))
    _, bound = kernel_bounds(fitted(graph))
    np.testing.assert_allclose(bound, (1.4, 1.27), rtol=1e-5)


def test_weights_beyond_their_trained_range_are_clipped():
    graph = graph_of(lambda tf, x: convolution(tf, x, one_by_one([(9.0, 0.0)]), (-1.27, 1.27)))
    kernel, _ = kernel_bounds(fitted(graph))
    assert kernel.max() == pytest.approx(1.27)


def test_each_channel_of_a_depthwise_kernel_has_its_own_bound():
    def body(tf, x):
        kernel = fake_quant(tf, np.float32([[[[1.4], [0.5]]]]), -1.0, 1.54, "kernel", narrow=True)
        return fake_quant(tf, tf.nn.depthwise_conv2d(x, kernel, (1, 1, 1, 1), "SAME"), -4.0, 4.0, "out")

    _, bound = kernel_bounds(fitted(graph_of(body)))
    np.testing.assert_allclose(bound, (1.4, 1.27), rtol=1e-5)


def test_the_image_gets_the_range_of_pixels_minus_128_by_128():
    graph = graph_of(lambda tf, x: convolution(tf, x, one_by_one([(1, 1)]), (-1.27, 1.27)))
    assert rounded_after(fitted(graph), INPUT) == [(-1.0, 127 / 128)]


def test_a_relu6_of_a_sum_gets_0_to_6_and_the_sum_nothing():
    def body(tf, x):
        y = convolution(tf, x, one_by_one([(1, 1), (1, 1)]), (-1.27, 1.27))
        total = tf.add(y, y, name="sum")
        return fake_quant(tf, tf.nn.max_pool2d(tf.nn.relu6(total, name="six"), 2, 2, "SAME"), 0.0, 6.0, "end")

    index = fitted(graph_of(body))
    assert rounded_after(index, "six") == [(0.0, 6.0)]
    assert rounded_after(index, "sum") == []


def test_parts_of_different_ranges_are_put_together_in_the_range_that_holds_all():
    def body(tf, x):
        y = convolution(tf, x, one_by_one([(1, 1), (1, 1)]), (-1.27, 1.27))
        wide = fake_quant(tf, tf.nn.relu6(y), 0.0, 5.1, "wide")
        return tf.concat([y, wide], 1, name="both")

    ((low, high),) = rounded_after(fitted(graph_of(body)), "both")
    assert (low, high) == (pytest.approx(-4.0, abs=0.02), 5.1)


def test_parts_of_one_range_are_put_together_as_they_are():
    def body(tf, x):
        y = convolution(tf, x, one_by_one([(1, 1), (1, 1)]), (-1.27, 1.27))
        return tf.concat([y, tf.reshape(y, y.shape)], 1, name="both")

    assert rounded_after(fitted(graph_of(body)), "both") == []


def test_a_scaled_tensor_has_the_scaled_range():
    def body(tf, x):
        y = convolution(tf, x, one_by_one([(1, 1), (1, 1)]), (-1.27, 1.27))
        return tf.multiply(y, np.float32(-2), name="scaled")

    index = GraphIndex(graph_of(body))
    assert range_at(index, "scaled") == (pytest.approx(-8.0, abs=0.05), pytest.approx(8.0, abs=0.05))


def test_a_graph_without_trained_ranges_is_refused():
    with pytest.raises(InputError, match="the graph has no trained ranges; quantize it with calibration images"):
        fit_for_int8(graph_of(lambda tf, x: tf.nn.relu6(x)), ("head",))
