"""Hard swishes of a stream with their channels scaled to a common range: a float model that computes the same bits.

An activation has one scale in int8. Where a few of its channels are many times larger than most, as after the temporal
convolutions of MoViNets, most channels have few levels, and since their rounding is the same at every frame, the error
stays in the means over frames. Powers of two scale such channels up: layers take them, before and after, as in
`equalize.py`, and the gate of a hard swish undoes them in a depthwise convolution of one tap.
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

WORTHWHILE = 0.5
"""The most that may remain of a group's rounding noise: more is not worth the time of the gates' convolutions."""

TINY = 1e-30  # avoids a division by zero where all channels hold zeros

DEPTHWISE_CONV_2D, RELU6, VALID = 4, 3, 1  # of the TFLite schema: an operator, an activation, a padding


def with_scaled_swishes(file: TfliteFile, states: Sequence[StateInput], samples: Samples) -> TfliteFile:
    """Return *file*, a stream with *states*, with channels scaled as their largest values in *samples* allow.

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
    model, subgraph = file.edit(), file.subgraph
    edit = Edit(model, subgraph)
    raws = dict(zip((operator.name for operator in network.operators), subgraph.operators, strict=True))
    for group, one in chosen.items():
        for gate in group.gates:
            _undo(network, edit, raws[gate.name], gate, one)
    return file


def _undo(network: Network, edit: Edit, raw: Any, gate: Operator, scales: Doubles) -> None:
    """Make of *raw*, the sum x + 3 of a hard swish, a convolution of one tap that takes x with *scales*."""
    from ai_edge_litert.schema_py_generated import BuiltinOptions, DepthwiseConv2DOptionsT

    source, constant = sorted(gate.inputs, key=network.is_constant)
    shift = np.broadcast_to(network.constant(constant), scales.shape)
    options = DepthwiseConv2DOptionsT()
    options.padding, options.fusedActivationFunction = VALID, RELU6
    options.strideH = options.strideW = options.depthMultiplier = 1
    options.dilationHFactor = options.dilationWFactor = 1
    weights = edit.constant(f"{gate.name}_weights", _single(1 / scales).reshape(1, 1, 1, -1))
    raw.inputs = [source, weights, edit.constant(f"{gate.name}_bias", _single(shift))]
    raw.opcodeIndex = edit.code(DEPTHWISE_CONV_2D, 1)
    raw.builtinOptionsType, raw.builtinOptions = BuiltinOptions.DepthwiseConv2DOptions, options


def _single(values: Doubles) -> Floats:
    return values.astype(np.float32)
