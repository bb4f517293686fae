"""Leftovers of an edit, and constants that are stored twice."""

import numpy as np
from builders.float_models import FloatNet
from builders.tiny_tflite import run_model

from detlite.convert.tflite.flatbuffer import dump, load
from detlite.convert.tflite.prune import share_buffers


def twice():
    """A model of two convolutions with equal weights, one after the other, and different biases."""
    net = FloatNet((1, 4, 4, 3))
    weights = np.random.default_rng(0).normal(size=(3, 1, 1, 3)).astype(np.float32)
    first = net.conv(net.image, 3, window=1, weights=weights, bias=np.array([1.0, 2.0, 3.0], np.float32))
    second = net.conv(first, 3, window=1, weights=weights, bias=np.array([0.0, 0.5, 4.0], np.float32))
    return net.finish(second)


def stored(model):
    return [buffer for buffer in model.buffers if buffer.data is not None and len(buffer.data)]


def test_constants_with_the_same_bytes_are_stored_once():
    model = load(twice(), "x")
    assert len(stored(model)) == 4
    share_buffers(model)
    assert len(stored(model)) == 3
    kernels = [tensor.buffer for tensor in model.subgraphs[0].tensors if list(tensor.shape) == [3, 1, 1, 3]]
    assert len(kernels) == 2
    assert len(set(kernels)) == 1


def test_a_model_with_shared_buffers_computes_the_same():
    before, model = twice(), load(twice(), "x")
    share_buffers(model)
    image = np.random.default_rng(1).normal(size=(1, 4, 4, 3)).astype(np.float32)
    assert np.array_equal(run_model(before, image)[0], run_model(dump(model), image)[0])
