"""int8 weights with float activations that the operators quantize at run time: a quarter of the file size."""

from __future__ import annotations

from typing import Any

import numpy as np

from detlite.calibration.network import Network
from detlite.calibration.numbers.kernels import MAX_CODE, SMALLEST_SCALE, Kernel, WeightLayer, layers, rounded
from detlite.calibration.numbers.scheme import Scheme
from detlite.convert.tflite.edit import Edit
from detlite.convert.tflite.open_file import TfliteFile
from detlite.convert.tflite.prune import drop_unused
from detlite.runtime.errors import FindingError

VERSIONS = {"CONV_2D": 5, "DEPTHWISE_CONV_2D": 6, "FULLY_CONNECTED": 3}
"""The first version of each operator that supports int8 weights with float activations and these scales."""

MIN_WEIGHTS = 1024
"""Smaller tensors stay float32, as in TensorFlow's converter, because they save nothing."""


def pack(file: TfliteFile) -> None:
    """Store the weights of convolutions and fully connected layers of *file* as int8; biases stay float32.

    A convolution has one scale per output channel; a fully connected layer has a single scale, because only the newest
    version of its operator supports scales per channel.

    Raises:
        InputError: weights are computed, or are not finite.
        FindingError: no layer has `MIN_WEIGHTS` weights.
    """
    network = Network(file.copy())
    model, subgraph = file.edit(), file.subgraph
    edit, made = Edit(model, subgraph), dict[int, int]()
    raws = dict(zip((operator.name for operator in network.operators), subgraph.operators, strict=True))
    for layer in layers(network):
        operator, raw = layer.operator, raws[layer.operator.name]
        if operator.kind in VERSIONS and layer.weights.size >= MIN_WEIGHTS:
            index = operator.inputs[layer.places.weights]
            if index not in made:
                made[index] = _constant(edit, subgraph, network.names[index], _kernel(layer))
            raw.inputs[layer.places.weights] = made[index]
            code = model.operatorCodes[raw.opcodeIndex]
            raw.opcodeIndex = edit.code(code.builtinCode, max(VERSIONS[operator.kind], code.version))
    if not made:
        raise FindingError(f"nothing was quantized: no convolution or fully connected layer has {MIN_WEIGHTS} weights")
    drop_unused(model)


def _kernel(layer: WeightLayer) -> Kernel:
    magnitudes = np.abs(layer.weights)
    whole = layer.operator.kind == "FULLY_CONNECTED"
    others = tuple(place for place in range(magnitudes.ndim) if whole or place != layer.axis)
    scales = np.maximum(np.atleast_1d(magnitudes.max(axis=others)) / MAX_CODE, SMALLEST_SCALE).astype(np.float32)
    return rounded(layer.weights, scales, layer.axis)


def _constant(edit: Edit, subgraph: Any, name: str, kernel: Kernel) -> int:
    from ai_edge_litert.schema_py_generated import QuantizationParametersT

    made = edit.constant(f"{name}_int8", kernel.values)
    quantization = QuantizationParametersT()
    quantization.scale, quantization.quantizedDimension = kernel.scales, kernel.axis
    quantization.zeroPoint = np.zeros(len(kernel.scales), np.int64)
    subgraph.tensors[made].quantization = quantization
    return made


PLUGIN = Scheme(
    title="int8 weights, float32 activations that are quantized at run time; needs no images",
    source="TensorFlow Lite post-training dynamic range quantization",
    pack=pack,
)
