"""Empirical bias correction: what quantization shifts on average, measured layer by layer, is taken off the bias.

The closed form makes up for the rounding of a layer's own weights. What the layers before it hand on is shifted, too:
by ranges that cut, by a ReLU behind a corrected bias. So the quantized model is run up to each layer, with all
corrections so far, and what its input misses on average goes through its weights into its bias (Nagel et al.,
Data-Free Quantization, ICCV 2019, section 4.2 and appendix D, with the means of inputs in place of outputs, which a
fused ReLU hides).

A mean over a few images is uncertain, most of all on the smallest feature maps, and whatever is corrected without need
is noise in every detection. So each is shrunk by what its spread over the images allows (James and Stein, 1961, the
positive part). What is left brings nothing on SSDLite MobileNet V2 (a fidelity of 96.7, the closed form alone 97.0;
without shrinking 95.9), and is worse than nothing on FPNLite 320 (86.4 against 89.8), whose ranges cut more: what a cut
takes off the mean is missing at the few peaks, not everywhere. So it is no default.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from detlite.calibration.network import Network
from detlite.calibration.noise import int8_of
from detlite.calibration.numbers.kernels import Layer, Parameters, layers
from detlite.calibration.numbers.scheme import DEFAULT_SCHEME
from detlite.calibration.ranges.activations import returning
from detlite.calibration.weights.bias import output_shift
from detlite.calibration.weights.calibrate import Calibrated, finish
from detlite.calibration.weights.operator_runner import Stepwise, channel_means
from detlite.calibration.weights.pixels import image_tensors
from detlite.convert.tflite.describe import CONVERSIONS
from detlite.runtime.arrays import Doubles
from detlite.runtime.errors import InputError

TINY = 1e-30  # the square of a mean that is none


def measured(calibrated: Calibrated, parameters: Parameters) -> Parameters:
    """Return *parameters*, already corrected in closed form, with biases that make up for shifted inputs, too.

    The first samples of *calibrated* are measured, in float and in int8.

    Raises:
        InputError: the scheme is another one than int8.
    """
    if calibrated.source.scheme != DEFAULT_SCHEME:
        raise InputError(
            f"empirical bias correction measures {DEFAULT_SCHEME} models: for --scheme {calibrated.source.scheme} take "
            "the closed form, --method bias_correction"
        )
    network, image = calibrated.network, calibrated.source.image
    made = finish(calibrated, parameters)
    steps = Stepwise(made.file, [int8_of(sample, image, made.image) for sample in calibrated.first])
    biases, layer_of = dict(parameters.biases), _measurable(calibrated)
    wanted = _float_means(calibrated, {layer.source for layer in layer_of.values()})
    for raw, name in _with_names(steps, network):
        layer = layer_of.get(name)
        if layer is not None:
            found = steps.channel_means(int(raw.inputs[layer.source_place]))
            missed = shrunk(found - wanted[layer.source])
            biases[name] = biases[name] - output_shift(network, layer, parameters.kernels[name].real(), missed)
            steps.set_bias(int(raw.inputs[layer.places.bias]), biases[name])
        steps.run(raw)
    return replace(parameters, biases=biases)


def shrunk(differences: Doubles) -> Doubles:
    """Return the mean of each channel of *differences*, (samples, channels), as far as it is more than chance.

    Of one sample, whose spread is not known, nothing is left.
    """
    count, mean = len(differences), differences.mean(axis=0)
    if count < 2:
        return np.zeros_like(mean)
    variance = differences.var(axis=0, ddof=1) / count
    kept: Doubles = mean * np.maximum(0.0, 1.0 - variance / np.maximum(mean * mean, TINY))
    return kept


def _float_means(calibrated: Calibrated, tensors: Collection[int]) -> dict[int, Doubles]:
    """Return what `Stepwise.channel_means` does, of *tensors* of the float model."""
    names = {index: calibrated.network.names[index] for index in sorted(tensors)}
    found: dict[int, list[Doubles]] = {index: [] for index in names}
    model = returning(calibrated.network.file, list(names.values()))
    for sample in calibrated.first:
        value = model.run(sample)
        for index, name in names.items():
            found[index].append(channel_means(value(name)))
    return {index: np.stack(means) for index, means in found.items()}


def _measurable(calibrated: Calibrated) -> dict[str, Layer]:
    """Return, by name, the layers that are quantized and read something else than the image, whose codes are exact."""
    network, floating = calibrated.network, calibrated.plan.floating
    images = image_tensors(network)
    return {
        layer.operator.name: layer
        for layer in layers(network)
        if layer.source not in images and layer.operator.name not in floating
    }


def _with_names(steps: Stepwise, network: Network) -> Iterator[tuple[Any, str]]:
    """Yield the operators of *steps* with their names in *network*, empty for conversions that were added."""
    names = iter(network.operators)
    for raw in steps.operators:
        yield raw, "" if steps.kind(raw) in CONVERSIONS else next(names).name
