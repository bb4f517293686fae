"""Swishes of models of video with their channels scaled to a common range: a float model that computes the same bits.

An activation has one scale in int8. Where a few of its channels are many times larger than most, as after the temporal
convolutions of MoViNets, most channels have few levels, and since their rounding is the same at every frame, the error
stays in the means over frames. Powers of two scale such channels up: layers take them, before and after, as in
`equalize.py`. In front of the gate a depthwise convolution of one tap undoes them; of a hard swish it is the sum x + 3.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from detlite.calibration.models import Samples
from detlite.calibration.network import Network, Operator
from detlite.calibration.numbers.saturation import clip_saturated
from detlite.calibration.numbers.swish_groups import SwishGroup, SwishGroups, swish_groups
from detlite.calibration.ranges.estimator import extremes
from detlite.calibration.ranges.observer import Observed, observe
from detlite.calibration.weights.equalize import scaled_network
from detlite.convert.tflite.edit import Edit
from detlite.convert.tflite.open_file import TfliteFile
from detlite.runtime.arrays import Doubles, Floats
from detlite.runtime.stream_inputs import StateInput

MOST = 64.0
"""The largest scale: a channel that hardly ever holds anything else would get any."""

WORTHWHILE = 0.3
"""The most that may remain of a group's rounding noise: more is not worth the time of the gates' convolutions."""

TINY = 1e-30  # avoids a division by zero where all channels hold zeros

DEPTHWISE_CONV_2D, NO_ACTIVATION, RELU6, VALID = 4, 0, 3, 1  # of the TFLite schema: an operator, activations, padding


def with_scaled_swishes(file: TfliteFile, states: Sequence[StateInput], samples: Samples) -> TfliteFile:
    """Return *file*, with *states* if it is a stream, with channels scaled as their largest values in *samples* allow.

    The scaled model computes the same outputs; its states are scaled.
    """
    network = Network(file)
    found = swish_groups(network, states)
    groups = [group for group in found.groups if _is_of_depthwise(network, group)]
    if not groups:
        return file
    observed = observe(network, samples)
    lowest = _lowest(network, observed)
    chosen = {group: _scales(network, group, lowest, observed) for group in groups}
    worthwhile = {group: scales for group, scales in chosen.items() if np.mean(scales**-2) <= WORTHWHILE}
    return _scaled(network, found, worthwhile) if worthwhile else file


def _is_of_depthwise(network: Network, group: SwishGroup) -> bool:
    """Return whether a depthwise convolution makes a tensor of *group*, as in the middle of an inverted residual.

    The expansions before it are larger, and their rounding is averaged: of MoViNet A0, to scale them as well takes 0.1
    of the float model's time for 1.3 dB; those in the middle take 0.05 to 0.08 for 7 dB.
    """
    makers = (operator for operator in network.operators if operator.kind == "DEPTHWISE_CONV_2D")
    return any(operator.outputs[0] in group.tensors for operator in makers)


def _lowest(network: Network, observed: Observed) -> dict[int, float]:
    """Return the lowest value of each tensor that matters: below -3, none does in one that only a hard swish reads."""
    ranges = {network.names[index]: found for index, found in extremes(observed).items()}
    clipped = clip_saturated(network, ranges)
    return {index: clipped[network.names[index]].low for index in observed.lows}


def _scales(network: Network, group: SwishGroup, lowest: Mapping[int, float], observed: Observed) -> Doubles:
    """Return a power of two for each channel of *group*, with which none of its maps gets larger values."""
    rooms = []
    for index in sorted(group.tensors):
        if prod(network.shape(index)[:-1]) > 1:
            low = np.maximum(observed.channel_lows[index], lowest[index])
            largest = np.maximum(np.maximum(observed.channel_highs[index], -low).astype(np.float64), TINY)
            rooms.append(largest.max() / np.maximum(largest, largest.max() / MOST))
    scales: Doubles = np.exp2(np.floor(np.log2(np.min(rooms, axis=0))))
    return scales


def _scaled(network: Network, found: SwishGroups, chosen: Mapping[SwishGroup, Doubles]) -> TfliteFile:
    """Return the file of *network* with the channels of groups scaled as *chosen*."""
    scales = {index: one for group, one in chosen.items() for index in group.tensors}
    for index, parts in found.joined.items():
        if scales.keys() & set(parts):
            each = [scales.get(part, np.ones(network.shape(part)[-1])) for part in parts]
            scales[index] = np.concatenate(each)
    file = scaled_network(network, scales).file
    edit, subgraph = Edit(file.edit(), file.subgraph), file.subgraph
    raws = dict(zip((operator.name for operator in network.operators), subgraph.operators, strict=True))
    for operator in network.operators:
        raw = raws[operator.name]
        raw.inputs = [_scaled_constant(network, edit, int(index), scales) for index in raw.inputs]
    for group, one in chosen.items():
        for gate in group.gates:
            _undo(network, edit, raws[gate.name], gate, one)
    subgraph.operators = _in_order(subgraph, len(network.operators))
    return file


def _scaled_constant(network: Network, edit: Edit, index: int, scales: Mapping[int, Doubles]) -> int:
    """Return a tensor with the values of *index*, scaled if it is a constant that *scales* names."""
    if index not in scales or not network.is_constant(index):
        return index
    return edit.constant(f"{network.names[index]}_scaled", _single(network.constant(index) * scales[index]))


def _undo(network: Network, edit: Edit, raw: Any, gate: Operator, scales: Doubles) -> None:
    """Have *gate*, which is *raw*, take its x without *scales*.

    The sum x + 3 of a hard swish becomes a convolution of one tap; a sigmoid gets one in front, the last operator.
    """
    from ai_edge_litert.schema_py_generated import BuiltinOptions, DepthwiseConv2DOptionsT

    source, *constants = sorted(gate.inputs, key=network.is_constant)
    shift = network.constant(constants[0]) if constants else 0.0
    options = DepthwiseConv2DOptionsT()
    options.padding, options.fusedActivationFunction = VALID, RELU6 if constants else NO_ACTIVATION
    options.strideH = options.strideW = options.depthMultiplier = 1
    options.dilationHFactor = options.dilationWFactor = 1
    weights = edit.constant(f"{gate.name}_weights", _single(1 / scales).reshape(1, 1, 1, -1))
    inputs = [source, weights, edit.constant(f"{gate.name}_bias", _single(np.broadcast_to(shift, scales.shape)))]
    if not constants:
        made = edit.tensor(f"{gate.name}_unscaled", network.shape(source))
        raw.inputs = [made]
        raw = edit.operator(DEPTHWISE_CONV_2D, inputs, [made])
    raw.inputs, raw.opcodeIndex = inputs, edit.code(DEPTHWISE_CONV_2D, 1)
    raw.builtinOptionsType, raw.builtinOptions = BuiltinOptions.DepthwiseConv2DOptions, options


def _in_order(subgraph: Any, count: int) -> list[Any]:
    """Return the operators of *subgraph*, with each of those added after the first *count* before its only reader."""
    added = {int(one.outputs[0]): one for one in subgraph.operators[count:]}
    found = list[Any]()
    for one in subgraph.operators[:count]:
        found += [added[int(index)] for index in one.inputs if int(index) in added]
        found.append(one)
    return found


def _single(values: Doubles) -> Floats:
    return values.astype(np.float32)
