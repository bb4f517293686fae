"""TensorFlow's own quantization: the ranges that it gets, also of activations that the interpreter overwrites."""

import numpy as np
import pytest
from builders.float_models import RELU6, FloatNet, images

from detlite.calibration.models import FloatModel, separate
from detlite.calibration.weights.methods.converter import PLUGIN, with_extremes
from detlite.convert.tflite.open_file import TfliteFile
from detlite.runtime.errors import InputError
from detlite.runtime.inputs import ImageInput

INPUT = ImageInput("image", 8, 8, "RGB", "float32", (128.0,) * 3, (128.0,) * 3, "tf1_bilinear")


def gated():
    """x * relu6(x + 3), whose gate the product overwrites in place, and what reads it."""
    net = FloatNet()
    x = net.conv(net.image, 4, bias=[4.0] * 4)
    (gate,) = net.add(
        "ADD", [x, net.constant(3.0)], [net.shape(x)], "AddOptions", name="gate", fusedActivationFunction=RELU6
    )
    (product,) = net.add("MUL", [x, gate], [net.shape(x)], "MulOptions", name="product")
    return FloatModel(TfliteFile(net.finish(net.conv(product, 4))), INPUT, lambda: separate(images()))


def by_name(file):
    return {tensor.name: tensor.quantization for tensor in file.subgraph.tensors if tensor.quantization is not None}


def test_the_range_of_an_activation_that_is_overwritten_in_place_is_its_own():
    found = by_name(with_extremes(gated()))
    assert 0 <= found[b"gate"].min[0] <= found[b"gate"].max[0] <= 6
    assert found[b"product"].max[0] > 6


@pytest.mark.slow
def test_the_scale_of_such_an_activation_is_that_of_its_range():
    made = PLUGIN.quantize(gated()).file
    (scale,) = (q.scale[0] for name, q in by_name(made).items() if name.startswith(b"gate"))
    assert float(scale) == pytest.approx(6 / 255, rel=0.01)


def test_extremes_are_those_of_all_samples_and_the_model_given_is_not_changed():
    source = gated()
    before = source.file.data
    found = by_name(with_extremes(source))
    seen = np.stack(images())
    assert (found[b"image"].min[0], found[b"image"].max[0]) == (float(seen.min()), float(seen.max()))
    assert source.file.data == before


def test_no_samples_are_refused():
    source = gated()
    with pytest.raises(InputError, match="there are no images to calibrate with"):
        with_extremes(FloatModel(source.file, INPUT, lambda: iter(())))
