"""Fused operators, written as their parts: they compute what TensorFlow's own fused kernels compute."""

import numpy as np
import pytest

from detlite.convert.graph.unfuse import unfuse
from detlite.convert.tensorflow import load_tensorflow
from detlite.runtime.errors import InputError

CHANCE = np.random.default_rng(3)
IMAGE = CHANCE.normal(size=(1, 6, 6, 2)).astype(np.float32)
BIAS, ALPHA = (CHANCE.normal(size=4).astype(np.float32) for _ in range(2))
NORM = [np.abs(CHANCE.normal(size=4)).astype(np.float32) for _ in range(4)]


def fused(op, kinds, arguments, kernel=(3, 3, 2, 4), **attributes):
    """A graph of one fused operator `out`, which reads a placeholder `x`."""
    tf = load_tensorflow()
    with tf.Graph().as_default() as graph:
        x = tf.compat.v1.placeholder(tf.float32, IMAGE.shape if len(kernel) == 4 else (2, kernel[0]), "x")
        weights = np.random.default_rng(5).normal(size=kernel).astype(np.float32)
        read = [x, *(tf.constant(value) for value in (weights, *arguments))]
        graph_def = graph.as_graph_def()
    node = graph_def.node.add(name="out", op=op, input=[tensor.op.name for tensor in read])
    node.attr["T"].type = 1
    node.attr["num_args"].i = len(arguments)
    if op == "_FusedConv2D":
        node.attr["TArgs"].list.type.extend([1] * len(arguments))
    node.attr["fused_ops"].list.s.extend(kind.encode() for kind in kinds)
    if len(kernel) == 4:
        node.attr["strides"].list.i.extend([1, 2, 2, 1])
        node.attr["padding"].s = b"SAME"
    for name, value in attributes.items():
        node.attr[name].f = value
    return graph_def


def run(graph_def, x=IMAGE):
    tf = load_tensorflow()
    with tf.Graph().as_default() as graph, tf.compat.v1.Session(graph=graph) as session:
        tf.compat.v1.import_graph_def(graph_def, name="")
        return session.run("out:0", {"x:0": x})


def parts(graph_def):
    return [node.op for node in graph_def.node if node.op not in ("Const", "Placeholder")]


@pytest.mark.parametrize(
    ("kinds", "arguments", "ops"),
    [
        (["BiasAdd"], [BIAS], ["Conv2D", "BiasAdd"]),
        (["BiasAdd", "Relu6"], [BIAS], ["Conv2D", "BiasAdd", "Relu6"]),
        (["BiasAdd", "Elu"], [BIAS], ["Conv2D", "BiasAdd", "Elu"]),
        (["BiasAdd", "LeakyRelu"], [BIAS], ["Conv2D", "BiasAdd", "LeakyRelu"]),
        (["FusedBatchNorm", "Relu"], NORM, ["Conv2D", "FusedBatchNorm", "Relu"]),
    ],
)
def test_a_fused_convolution_becomes_its_parts(kinds, arguments, ops):
    graph_def = fused("_FusedConv2D", kinds, arguments, epsilon=0.01, leakyrelu_alpha=0.3)
    want = run(graph_def)
    unfuse(graph_def)
    assert parts(graph_def) == ops
    np.testing.assert_allclose(run(graph_def), want, atol=1e-5)


def test_a_fused_batch_norm_that_states_no_epsilon_has_that_of_tensorflow():
    graph_def = fused("_FusedConv2D", ["FusedBatchNorm"], [*NORM[:3], np.full(4, 1e-4, np.float32)])
    want = run(graph_def)
    unfuse(graph_def)
    np.testing.assert_allclose(run(graph_def), want, rtol=1e-4)


def test_a_fused_matrix_product_becomes_its_parts():
    graph_def, x = fused("_FusedMatMul", ["BiasAdd", "Relu"], [BIAS], kernel=(3, 4)), np.ones((2, 3), np.float32)
    want = run(graph_def, x)
    unfuse(graph_def)
    assert parts(graph_def) == ["MatMul", "BiasAdd", "Relu"]
    np.testing.assert_allclose(run(graph_def, x), want, atol=1e-6)


def test_the_fused_depthwise_convolution_of_tensorflow_js_becomes_its_parts():
    tf = load_tensorflow()
    graph_def = fused("FusedDepthwiseConv2dNative", ["BiasAdd", "Relu6"], [BIAS], kernel=(3, 3, 2, 2))
    unfuse(graph_def)
    assert parts(graph_def) == ["DepthwiseConv2dNative", "BiasAdd", "Relu6"]
    weights = np.random.default_rng(5).normal(size=(3, 3, 2, 2)).astype(np.float32)
    want = tf.nn.relu6(tf.nn.depthwise_conv2d(IMAGE, weights, (1, 2, 2, 1), "SAME") + BIAS)
    np.testing.assert_allclose(run(graph_def), want, atol=1e-5)


def test_a_fused_prelu_scales_what_is_negative():
    graph_def = fused("_FusedConv2D", ["BiasAdd", "Prelu"], [BIAS, ALPHA])
    linear = run(fused("_FusedConv2D", ["BiasAdd"], [BIAS]))
    unfuse(graph_def)
    np.testing.assert_allclose(run(graph_def), np.where(linear > 0, linear, ALPHA * linear), atol=1e-5)


def test_a_prelu_of_tensorflow_js_needs_no_type():
    graph_def = fused("_FusedConv2D", ["BiasAdd"], [BIAS])
    graph_def.node[-1].name = "before"
    alpha = graph_def.node.add(name="alpha", op="Const")
    alpha.attr["dtype"].type = 1
    alpha.attr["value"].tensor.CopyFrom(load_tensorflow().make_tensor_proto(ALPHA))
    graph_def.node.add(name="out", op="Prelu", input=["before", "alpha"])
    linear = run(fused("_FusedConv2D", ["BiasAdd"], [BIAS]))
    unfuse(graph_def)
    np.testing.assert_allclose(run(graph_def), np.where(linear > 0, linear, ALPHA * linear), atol=1e-5)


def test_what_a_fused_operator_waits_for_its_first_part_waits_for():
    graph_def = fused("_FusedConv2D", ["BiasAdd"], [BIAS])
    graph_def.node[-1].input.append("^x")
    unfuse(graph_def)
    assert [list(node.input)[-1] for node in graph_def.node[-2:]] == ["^x", "Const_1"]


def test_an_unknown_part_is_named():
    graph_def = fused("_FusedConv2D", ["BiasAdd", "Swoosh"], [BIAS])
    with pytest.raises(InputError, match="the graph's node out is a _FusedConv2D with 'Swoosh', an unknown part"):
        unfuse(graph_def)


def test_a_fused_operator_without_its_bias_is_refused():
    graph_def = fused("_FusedConv2D", ["BiasAdd"], [])
    with pytest.raises(InputError, match="the graph is damaged: out, a _FusedConv2D, has 2 inputs"):
        unfuse(graph_def)
