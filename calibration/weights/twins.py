"""Twin channels: more levels of an activation within int8.

A tensor is computed twice, a quarter of its step too low and a quarter too high. Its readers take both with half of
their weights, so that they see the mean of the two, which has steps of half the size. Such weights may have half steps:
the codes of both copies add up to them. The file stays int8 throughout: its convolutions have more channels.

It is an edit of the int8 model, tensor by tensor. Tensors that are joined by a depthwise convolution or an addition,
which work channel by channel, can only be doubled together.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Mapping
from dataclasses import dataclass, replace

import numpy as np

from detlite.calibration.models import QuantizedModel
from detlite.calibration.network import Network, Operator
from detlite.calibration.numbers.kernels import Kernel, LayerParameters, WeightLayer, along, layers
from detlite.calibration.weights.calibrate import Calibrated, finish
from detlite.convert.tflite.edit import DEQUANTIZE, QUANTIZE, Edit
from detlite.convert.tflite.open_file import TfliteFile
from detlite.runtime.arrays import Doubles

CONV, DEPTHWISE, ADD = "CONV_2D", "DEPTHWISE_CONV_2D", "ADD"

TwinUnit = tuple[int, ...]
"""Activations, by index, that can only be doubled together."""


def twin_units(network: Network, floating: Container[str]) -> tuple[TwinUnit, ...]:
    """Return the activations of *network* that can have twin channels, in order.

    Their producers and readers are convolutions and additions, none of them in *floating*.
    """
    groups, ends = _Groups(), {*network.inputs, *network.outputs}
    fit = {index for index in network.activations if index not in ends}
    made = {index: operator for operator in network.operators for index in operator.outputs}
    fit -= {index for index in fit if made[index].kind not in (CONV, DEPTHWISE, ADD)}
    for operator in network.operators:
        if operator.kind in (DEPTHWISE, ADD):
            groups.join([*operator.inputs[: 2 if operator.kind == ADD else 1], *operator.outputs])
        if operator.name in floating or not _can_double(network, operator):
            fit -= {*operator.inputs, *operator.outputs}
    units: dict[int, list[int]] = {}
    for index in dict.fromkeys(
        index for operator in network.operators for index in (*operator.inputs, *operator.outputs)
    ):
        units.setdefault(groups.root(index), []).append(index)
    return tuple(tuple(unit) for unit in units.values() if fit.issuperset(unit))


def _can_double(network: Network, operator: Operator) -> bool:
    """Return whether *operator* can read and make tensors with twin channels."""
    if operator.kind == ADD:
        one, other = operator.inputs
        return network.shape(one) == network.shape(other) and not any(map(network.is_constant, operator.inputs))
    if operator.kind not in (CONV, DEPTHWISE) or not network.is_constant(operator.inputs[1]):
        return False
    return network.shape(operator.inputs[1])[3] == network.shape(operator.inputs[0])[-1]  # no groups, no multiplier


class MultiplyAdds:
    """The multiply-adds of the convolutions of a network."""

    def __init__(self, network: Network) -> None:
        """Count the multiply-adds of each convolution of *network*."""
        self._plain: list[tuple[int, int, int]] = []
        for layer in layers(network):
            if layer.operator.kind in (CONV, DEPTHWISE):
                out = layer.operator.outputs[0]
                height, width = network.shape(out)[1:3]
                summed = layer.source if layer.operator.kind == CONV else -1
                self._plain.append((summed, out, height * width * layer.weights.size))

    def ratio(self, twins: Collection[int]) -> float:
        """Return the ratio of the multiply-adds with the tensors *twins* doubled to those without."""
        doubled = ((2 if read in twins else 1) * (2 if out in twins else 1) * count for read, out, count in self._plain)
        return sum(doubled) / sum(count for _read, _out, count in self._plain)


def rounded_alone(calibrated: Calibrated, tensors: Collection[int], part: TfliteFile | None = None) -> TfliteFile:
    """Return the float file, or a copy of *part* of it, in which only *tensors* are rounded to their int8 steps."""
    file, scales = (part or calibrated.network.file).copy(), calibrated.plan.scales
    model, subgraph = file.edit(), file.subgraph
    edit, operators, stands_for = Edit(model, subgraph), subgraph.operators, dict[int, int]()
    subgraph.operators = []
    for raw in operators:
        raw.inputs = [stands_for.get(int(index), int(index)) for index in raw.inputs]
        subgraph.operators.append(raw)
        for index in {int(output) for output in raw.outputs} & set(tensors):
            shape = calibrated.network.shape(index)
            stored = edit.tensor(f"stored_{index}", shape, dtype="int8", quantization=scales[index])
            stands_for[index] = edit.tensor(f"rounded_{index}", shape)
            edit.operator(QUANTIZE, [index], [stored])
            edit.operator(DEQUANTIZE, [stored], [stands_for[index]])
    subgraph.outputs = [stands_for.get(int(index), int(index)) for index in subgraph.outputs]
    return file


@dataclass(frozen=True, eq=False)
class TwinModels:
    """Models of one calibration that differ in the tensors with twin channels.

    Attributes:
        calibrated: the float model.
        whole: the parameters of its layers.
        halved: the parameters with half steps, of the layers in `halved_layers`.
    """

    calibrated: Calibrated
    whole: LayerParameters
    halved: LayerParameters

    def made(self, twins: Collection[int]) -> QuantizedModel:
        """Return the int8 model in which the tensors *twins* have twin channels."""
        network = self.calibrated.network
        if not twins:
            return finish(self.calibrated, self.whole)
        shifts = self._shifts(twins)
        kernels, biases = {}, {}
        for layer in layers(network):
            name = layer.operator.name
            chosen = self.halved if _reads_twins(layer, twins) else self.whole
            kernels[name], biases[name] = self._layer(layer, chosen.kernels[name], chosen.biases[name], shifts)
        wide = replace(self.calibrated, network=Network(_widened(network, twins)))
        return finish(wide, LayerParameters(kernels, biases))

    def _shifts(self, twins: Collection[int]) -> dict[int, float]:
        """Return by how much the first copy of each of *twins* is too low, and the second too high."""
        scales = self.calibrated.plan.scales
        shifts = {index: scales[index].scale / 4 for index in twins}
        for operator in self.calibrated.network.operators:
            if operator.kind == ADD and operator.outputs[0] in shifts:
                shifts[operator.outputs[0]] = sum(shifts[index] for index in operator.inputs)
        return shifts

    def _layer(
        self, layer: WeightLayer, kernel: Kernel, bias: Doubles, shifts: Mapping[int, float]
    ) -> tuple[Kernel, Doubles]:
        """Return the weights and the bias of *layer* for twin channels of its input, of its output, or of both."""
        is_depthwise = layer.operator.kind == DEPTHWISE
        if _reads_twins(layer, shifts):
            low = np.floor_divide(kernel.values, 2)
            high = kernel.values - low
            uneven = (high - low) * along(kernel.scales.astype(np.float64), kernel.axis, kernel.values.ndim)
            bias = bias - uneven.sum(axis=(1, 2, 3)) * shifts[layer.source]
            kernel = Kernel(np.concatenate([low, high], axis=3).astype(np.int8), kernel.scales, kernel.axis)
        if layer.operator.outputs[0] in shifts:
            apart = np.full(len(bias), -self.calibrated.plan.scales[layer.operator.outputs[0]].scale / 4)
            if is_depthwise:
                apart = apart + kernel.real().sum(axis=(0, 1, 2)) * shifts[layer.source]
            values = np.concatenate([kernel.values] * 2, axis=kernel.axis)
            kernel = Kernel(values, np.concatenate([kernel.scales] * 2), kernel.axis)
            bias = np.concatenate([bias + apart, bias - apart])
        return kernel, bias


def halved_layers(network: Network, units: Collection[TwinUnit]) -> frozenset[str]:
    """Return the names of the layers that have half steps if all *units* have twin channels."""
    tensors = {index for unit in units for index in unit}
    return frozenset(layer.operator.name for layer in layers(network) if _reads_twins(layer, tensors))


def _reads_twins(layer: WeightLayer, twins: Collection[int]) -> bool:
    """Return whether *layer* adds up both copies; a depthwise layer keeps them apart."""
    return layer.operator.kind == CONV and layer.source in twins


def _widened(network: Network, twins: Collection[int]) -> TfliteFile:
    """Return a copy of the float file in which the tensors *twins* have every channel twice."""
    file = network.file.copy()
    model, subgraph = file.edit(), file.subgraph
    edit = Edit(model, subgraph)
    for layer in layers(network):
        raw = subgraph.operators[network.operators.index(layer.operator)]
        weights, bias = layer.weights, layer.bias.astype(np.float32)
        if _reads_twins(layer, twins):
            weights = np.concatenate([weights / 2] * 2, axis=3)
        if layer.operator.outputs[0] in twins:
            weights, bias = np.concatenate([weights] * 2, axis=layer.axis), np.concatenate([bias] * 2)
        if weights.shape != layer.weights.shape:
            index = layer.operator.inputs[layer.places.weights]
            raw.inputs = [*raw.inputs[:1], edit.constant(f"{network.names[index]}_twins", weights), *raw.inputs[2:]]
        if len(bias) != len(layer.bias):
            raw.inputs = [*raw.inputs[:2], edit.constant(f"{layer.operator.name}_twin_bias", bias)]
    for index in twins:
        shape = network.shape(index)
        subgraph.tensors[index].shape = np.array((*shape[:-1], 2 * shape[-1]), np.int32)
        subgraph.tensors[index].shapeSignature = None
    return file


class _Groups:
    """A union-find of tensors."""

    def __init__(self) -> None:
        self._parent: dict[int, int] = {}

    def root(self, index: int) -> int:
        while (parent := self._parent.get(index, index)) != index:
            index = parent
        return index

    def join(self, indices: list[int]) -> None:
        for index in indices[1:]:
            self._parent[self.root(index)] = self.root(indices[0])
