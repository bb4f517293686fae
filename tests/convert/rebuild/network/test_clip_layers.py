"""Each 2-D form computes what TensorFlow's 3-D operator does."""

import numpy as np
import pytest

from detlite.convert.rebuild.network.clip_layers import ClipLayers
from detlite.convert.rebuild.network.graph import GraphBuilder
from detlite.convert.rebuild.weights.random import RandomWeights
from detlite.convert.tensorflow import load_tensorflow

FRAMES, SIZE = 7, (9, 8)
RANDOM = np.random.default_rng(3)
CLIP = RANDOM.standard_normal((FRAMES, *SIZE, 4)).astype(np.float32)
CHANNELS, FILTERS = 4, 5


def made_of(build):
    """What *build* makes of the clip with `ClipLayers`, and the operators that it takes."""
    with GraphBuilder(RandomWeights(0), CLIP.shape) as net:
        x = net.reshape(net.image, CLIP.shape, "frames")
        made = build(ClipLayers(net), x)
        with load_tensorflow().compat.v1.Session(graph=made.graph) as session:
            return session.run(made, {net.image: CLIP[None]}), {node.op for node in net.graph_def.node}


def random_kernel(*shape):
    return RANDOM.standard_normal(shape).astype(np.float32)


def conv3d(kernel, strides):
    tf = load_tensorflow()
    return tf.nn.conv3d(CLIP[None], kernel, (1, strides[0], strides[1], strides[1], 1), "SAME")[0].numpy()


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("frames", [1, 2, 3, 5])
def test_a_convolution_over_time(frames, stride):
    kernel, bias = random_kernel(frames, CHANNELS, FILTERS), random_kernel(FILTERS)
    found, operators = made_of(lambda clip, x: clip.temporal(x, kernel, bias, stride=stride, name="conv"))
    np.testing.assert_allclose(found, conv3d(kernel[:, None, None], (stride, 1)) + bias, atol=1e-5)
    assert operators.isdisjoint({"Conv3D", "StridedSlice"})


@pytest.mark.parametrize("strides", [(1, 1), (1, 2), (2, 2), (3, 1)])
@pytest.mark.parametrize("sides", [(1, 3, 3), (5, 7, 7), (3, 3, 3), (4, 2, 3), (3, 1, 1)])
def test_a_convolution_over_a_volume(sides, strides):
    kernel, bias = random_kernel(*sides, CHANNELS, FILTERS), random_kernel(FILTERS)
    found, operators = made_of(lambda clip, x: clip.volume(x, kernel, bias, strides=strides, name="conv"))
    np.testing.assert_allclose(found, conv3d(kernel, strides) + bias, atol=1e-4)
    assert operators.isdisjoint({"Conv3D", "StridedSlice"})


def by_channel(kernel, stride):
    """A depthwise 3-D convolution: one 3-D convolution for each channel."""
    tf = load_tensorflow()
    strides = (1, 1, stride, stride, 1)
    parts = [
        tf.nn.conv3d(CLIP[None, ..., c, None], kernel[..., c, None, None], strides, "SAME") for c in range(CHANNELS)
    ]
    return np.concatenate([part[0].numpy() for part in parts], axis=-1)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("sides", [(1, 5, 5), (3, 3, 3), (5, 3, 3)])
def test_a_depthwise_convolution_over_a_volume(sides, stride):
    kernel, bias = random_kernel(*sides, CHANNELS), random_kernel(CHANNELS)
    found, operators = made_of(lambda clip, x: clip.depthwise_volume(x, kernel, bias, stride=stride, name="conv"))
    np.testing.assert_allclose(found, by_channel(kernel, stride) + bias, atol=1e-5)
    assert operators.isdisjoint({"Conv3D", "StridedSlice"})


def test_a_depthwise_convolution_over_time():
    kernel, bias = random_kernel(5, CHANNELS), random_kernel(CHANNELS)
    found, _operators = made_of(lambda clip, x: clip.depthwise_temporal(x, kernel, bias, name="conv"))
    np.testing.assert_allclose(found, by_channel(kernel[:, None, None], 1) + bias, atol=1e-5)


@pytest.mark.parametrize("stride", [1, 2])
def test_a_maximum_over_a_volume(stride):
    found, _operators = made_of(lambda clip, x: clip.max_pool(x, (stride, 2), "pool"))
    window = (1 if stride == 1 else 3, 3, 3)
    wanted = load_tensorflow().nn.max_pool3d(CLIP[None], window, (stride, 2, 2), "SAME")[0]
    assert np.array_equal(found, wanted)


def test_the_mean_of_all_frames():
    found, _operators = made_of(lambda clip, x: clip.mean(x, "mean"))
    np.testing.assert_allclose(found[0, 0, 0], CLIP.mean(axis=(0, 1, 2)), atol=1e-6)
