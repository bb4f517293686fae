"""What the rounding of one tensor, or of one layer's weights, costs at the outputs, all else being float.

Such errors add up (on SSDLite MobileNet V2, the sum of 103 is 1.02 times the error of all together in logits, 1.07 in
boxes), and are far steadier than the difference of two models in which everything is rounded.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from detlite.calibration.network import Network
from detlite.calibration.numbers.kernels import LayerParameters, WeightLayer, layers
from detlite.calibration.weights.twins import rounded_alone
from detlite.convert.tflite.edit import Edit
from detlite.convert.tflite.open_file import TfliteFile
from detlite.runtime.progress import Progress
from detlite.studies.search.trials import Trials


@dataclass(frozen=True)
class Shares:
    """Noise over signal at the outputs when one thing alone is rounded.

    Attributes:
        tensors: of each activation, by index.
        weights: of each layer's weights, with the method's bias, by operator name.
    """

    tensors: Mapping[int, float]
    weights: Mapping[str, float]


def shares_of(trials: Trials, progress: Progress) -> Shares:
    """Return the shares of all activations and layers of *trials* that its model rounds."""
    network = trials.calibrated.network
    rounded = [one for one in network.operators if one.name not in trials.floating]
    tensors = _inner(network, (index for operator in rounded for index in operator.outputs))
    kernels = [layer for layer in layers(network) if layer.operator in rounded]
    total = len(tensors) + len(kernels)
    tensor_shares, weight_shares = dict[int, float](), dict[str, float]()
    for index in tensors:
        tensor_shares[index] = trials.noise_of(rounded_alone(trials.calibrated, [index]))
        progress("rounding errors measured", len(tensor_shares), total)
    for layer in kernels:
        weight_shares[layer.operator.name] = trials.noise_of(_with_weights(network, layer, trials.parameters))
        progress("rounding errors measured", len(tensors) + len(weight_shares), total)
    return Shares(tensor_shares, weight_shares)


def _inner(network: Network, indices: Iterable[int]) -> list[int]:
    """Return those of *indices* that are float activations and no outputs, which stay int8 whatever is left float."""
    return [index for index in indices if index in network.activations and index not in network.outputs]


def _with_weights(network: Network, layer: WeightLayer, parameters: LayerParameters) -> TfliteFile:
    """Return the float file with the rounded weights and the bias of one *layer*."""
    name, file = layer.operator.name, network.file.copy()
    model, subgraph = file.edit(), file.subgraph
    edit, raw = Edit(model, subgraph), subgraph.operators[network.operators.index(layer.operator)]
    while len(raw.inputs) <= layer.places.bias:
        raw.inputs.append(-1)
    weights = parameters.kernels[name].real().astype(np.float32)
    raw.inputs[layer.places.weights] = edit.constant(f"{name}_rounded", weights)
    raw.inputs[layer.places.bias] = edit.constant(f"{name}_rounded_bias", parameters.biases[name].astype(np.float32))
    return file
