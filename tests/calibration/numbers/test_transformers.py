"""A block of a transformer in int8: its dense layers are, its layer norm, its sums and its attention are not."""

import numpy as np
import pytest
from builders.float_models import FloatNet, images, run, snr_db
from builders.operator_cases import quantized

from detlite.calibration.network import Network
from detlite.calibration.numbers.transformers import float_by_default
from detlite.convert.tflite.describe import describe
from detlite.convert.tflite.open_file import TfliteFile

TOKENS, WIDTH = 64, 8
INT8 = {"CONV_2D", "FULLY_CONNECTED", "GELU"}


def dense(net, x, filters):
    weights = net.chance.normal(0, 0.4, (filters, net.shape(x)[-1])).astype(np.float32)
    return net.add(
        "FULLY_CONNECTED", [x, net.constant(weights), -1], [(*net.shape(x)[:-1], filters)], "FullyConnectedOptions"
    )[0]


def mean(net, x):
    return net.add("MEAN", [x, net.constant(np.array(1))], [(TOKENS, 1)], "ReducerOptions", keepDims=True)[0]


def norm(net, x):
    (centred,) = net.add("SUB", [x, mean(net, x)], [(TOKENS, WIDTH)], "SubOptions")
    (squares,) = net.add("MUL", [centred, centred], [(TOKENS, WIDTH)], "MulOptions")
    epsilon = net.constant(np.array([1e-6], np.float32))
    (variance,) = net.add("ADD", [mean(net, squares), epsilon], [(TOKENS, 1)], "AddOptions")
    (gain,) = net.add("RSQRT", [variance], [(TOKENS, 1)])
    return net.add("MUL", [centred, gain], [(TOKENS, WIDTH)], "MulOptions")[0]


def attention(net, x):
    query, key, value = (net.reshape(dense(net, x, WIDTH), (1, TOKENS, WIDTH)) for _ in range(3))
    (scores,) = net.add("BATCH_MATMUL", [query, key], [(1, TOKENS, TOKENS)], "BatchMatMulOptions", adjY=True)
    (shares,) = net.add("SOFTMAX", [scores], [(1, TOKENS, TOKENS)], "SoftmaxOptions", beta=1.0)
    (found,) = net.add("BATCH_MATMUL", [shares, value], [(1, TOKENS, WIDTH)], "BatchMatMulOptions")
    return net.reshape(found, (TOKENS, WIDTH))


def block():
    """Tokens, attention, and dense layers with a GELU, each added to what it reads the layer norm of."""
    net = FloatNet()
    x = net.reshape(net.conv(net.image, WIDTH), (TOKENS, WIDTH))
    x = net.add("ADD", [x, dense(net, attention(net, norm(net, x)), WIDTH)], [(TOKENS, WIDTH)], "AddOptions")[0]
    inner = dense(net, norm(net, x), 4 * WIDTH)
    (inner,) = net.add("GELU", [inner], [(TOKENS, 4 * WIDTH)], "GeluOptions", approximate=True)
    x = net.add("ADD", [x, dense(net, inner, WIDTH)], [(TOKENS, WIDTH)], "AddOptions")[0]
    return net.finish(dense(net, norm(net, x), 5))


@pytest.fixture(scope="module")
def transformer():
    return block()


def test_norms_sums_and_attention_stay_float_and_layers_with_weights_do_not(transformer):
    network = Network(TfliteFile(transformer))
    kept = float_by_default(network)
    kinds = {operator.kind for operator in network.operators if operator.name in kept}
    assert kinds == {"MEAN", "SUB", "MUL", "ADD", "RSQRT", "BATCH_MATMUL", "SOFTMAX", "RESHAPE"}
    assert {one.kind for one in network.operators if one.name not in kept} == {*INT8, "RESHAPE"}


def test_a_transformer_is_quantized_without_options_and_close_to_float(transformer):
    samples = images()
    made = quantized(transformer, samples, estimator="min_max")
    assert describe(made, "made").quantization == "mixed"
    assert snr_db(run(transformer, samples[0])[0], run(made, samples[0])[0]) > 30


def test_a_softmax_that_is_not_of_attention_becomes_int8():
    net = FloatNet()
    scores = dense(net, net.reshape(net.conv(net.image, 4), (1, 256)), 5)
    network = Network(TfliteFile(net.finish(*net.add("SOFTMAX", [scores], [(1, 5)], "SoftmaxOptions", beta=1.0))))
    assert float_by_default(network) == frozenset()


def test_the_l2_norm_of_an_embedding_stays_float_from_its_root_on_and_nothing_before_its_sum_does():
    net = FloatNet()
    x = dense(net, net.reshape(net.conv(net.image, WIDTH), (TOKENS, WIDTH)), WIDTH)
    (squares,) = net.add("MUL", [x, x], [(TOKENS, WIDTH)], "MulOptions", name="squares")
    inputs = [squares, net.constant(np.array(1))]
    (total,) = net.add("SUM", inputs, [(TOKENS, 1)], "ReducerOptions", name="total", keepDims=True)
    (gain,) = net.add("RSQRT", [total], [(TOKENS, 1)], name="gain")
    (scaled,) = net.add("MUL", [x, gain], [(TOKENS, WIDTH)], "MulOptions", name="scaled")
    network = Network(TfliteFile(net.finish(dense(net, scaled, 5))))
    assert float_by_default(network) == {"gain", "scaled"}
