"""The scale of the input, which is that of the preprocessing, so that each code stands for one pixel value."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import replace

import numpy as np

from detlite.calibration.network import Network
from detlite.calibration.numbers.kernels import LayerParameters, WeightLayer, layers
from detlite.calibration.numbers.number_format import INT8, NumberFormat
from detlite.calibration.ranges.ranges import Range
from detlite.calibration.weights.bias import output_shift
from detlite.runtime.inputs import ImageInput
from detlite.runtime.tensors import Quantization

PIXEL_ZERO = 128  # the pixel value of int8 code 0


def pixel_quantization(image: ImageInput, numbers: NumberFormat) -> Quantization:
    """Return the scale and zero point that spread the codes of *numbers* over *image*'s normalized pixel values."""
    mean, std = np.array(image.mean), np.array(image.std)
    real = np.stack([(0 - mean) / std, (255 - mean) / std])
    return numbers.of_range(Range(float(real.min()), float(real.max())))


def int8_image(network: Network, image: ImageInput) -> ImageInput:
    """Return *image* as an int8 input, with code = pixel - 128 if a single scale allows it.

    A mean of 127.5 is between two codes: rounding would map two pixel values to one code, and TensorFlow's converter
    shifts the whole image by half a step. Here the mean becomes 127, so that codes are pixels, and `shift_biases`
    subtracts the half step from the biases of the first layers.
    """
    mean, std = np.array(image.mean), np.array(image.std)
    nearest = np.ceil(mean - 0.5) + 0.0  # of -0.0, which JSON would show, 0.0
    if np.ptp(std) == 0 and np.ptp(nearest) == 0 and (np.ptp(mean) + abs(mean[0] - nearest[0]) == 0 or _reach(network)):
        quantization = Quantization(float(np.float32(1 / std[0])), int(nearest[0]) - PIXEL_ZERO)
        return replace(image, dtype="int8", mean=tuple(map(float, nearest)), quantization=quantization)
    return replace(image, dtype="int8", quantization=pixel_quantization(image, INT8))


def shift_biases(
    network: Network, parameters: LayerParameters, floating: Container[str], images: tuple[ImageInput, ImageInput]
) -> LayerParameters:
    """Return *parameters* with biases for an input with other means, also in layers that stay float.

    Args:
        network: the float model.
        parameters: the weights and biases of its layers.
        floating: the names of the operators left in float, which read the input through a DEQUANTIZE.
        images: the float model's input, then the quantized model's input.
    """
    image, stored = images
    shift = (np.array(stored.mean) - np.array(image.mean)) / np.array(image.std)
    if not shift.any():
        return parameters
    biases, left = dict(parameters.biases), {}
    for layer in _first_layers(network):
        name = layer.operator.name
        if name in floating:
            left[name] = layer.bias + output_shift(network, layer, layer.weights.astype(np.float64), shift)
        else:
            biases[name] = biases[name] + output_shift(network, layer, parameters.kernels[name].real(), shift)
    return replace(parameters, biases=biases, float_biases=left)


def _first_layers(network: Network) -> list[WeightLayer]:
    images = image_tensors(network)
    return [layer for layer in layers(network) if layer.source in images]


def image_tensors(network: Network) -> set[int]:
    """Return the indices of the image and of the padded image."""
    pads = [operator for operator in network.operators if operator.kind == "PAD"]
    return {network.image, *(pad.outputs[0] for pad in pads if pad.inputs[0] == network.image)}


def _reach(network: Network) -> bool:
    """Return whether only layers with biases read the image."""
    reading = {layer.operator.name for layer in _first_layers(network)}
    found = network.readers()
    readers = [operator for index in image_tensors(network) for operator in found.get(index, ())]
    return all(operator.name in reading or operator.outputs[0] in image_tensors(network) for operator in readers)
