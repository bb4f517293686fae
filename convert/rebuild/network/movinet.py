"""MoViNet, for clips and for streams.

Source: Kondratyuk et al., MoViNets: Mobile Video Networks for Efficient Video Recognition, CVPR 2021;
`official/projects/movinet` of tensorflow/models. Batch norms, the scalars of ReZero and the factors of hard activations
become part of the kernels that read them. A network for streams takes one frame, and carries three things from frame
to frame: the frames that a convolution over time still needs, the means over all frames so far, and their number.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol

import numpy as np

from detlite.convert.rebuild.detector_config import BatchNorm
from detlite.convert.rebuild.network.blocks import GATE, GATE_SHIFT
from detlite.convert.rebuild.network.channel_counts import make_divisible
from detlite.convert.rebuild.network.clip_layers import ClipLayers
from detlite.convert.rebuild.network.graph import GraphBuilder, Tensor
from detlite.convert.rebuild.network.movinet_sizes import SIZES, UNSTRIDED, MovinetLayer
from detlite.convert.rebuild.network.slim import batch_norm_of
from detlite.runtime.arrays import Floats

SKIP_NORM = BatchNorm(0.001, scale=True)
"""Of shortcuts, whatever the config says."""

GAIN = 6.0
"""What a hard swish without its factor 1/6 is of one with it."""

SQUEEZED = 0.25
SQUEEZE_DIVISOR = 8

POOLS = ("3d", "2d", "2plus3d", "none")


class Scaled(NamedTuple):
    """A tensor that holds *scale* times the real values; the kernels that read it are divided by that."""

    tensor: Tensor
    scale: float = 1.0


@dataclass(frozen=True)
class Movinet:
    """A MoViNet.

    Attributes:
        size: the name of its size, one of `SIZES`.
        activation: one of `graph.ACTIVATIONS`.
        gate: one of `blocks.GATES`.
        epsilon: of its batch norms.
        causal: whether it looks at no later frame, and so takes a stream.
        split: whether convolutions over time are apart from those over space.
        pooling: what its squeeze-and-excites look at, one of `POOLS`: the means of all frames, of each, or both.
        positions: whether they also see the number of the frame.
    """

    size: str
    activation: str
    gate: str
    epsilon: float
    causal: bool
    split: bool
    pooling: str
    positions: bool


class Timeline(Protocol):
    """The frames that a network sees at once, and how they are connected."""

    def over_time(self, x: Tensor, kernel: Floats, bias: Floats, prefix: str, name: str) -> Tensor:
        """Return the convolution over time of each channel of *x* with *kernel* [frames, channels]."""

    def mean(self, x: Tensor, prefix: str) -> Tensor:
        """Return the mean of the frames of *x* [frames, H, W, C] that the network has seen: [1 or frames, 1, 1, C]."""

    def positions(self, channels: int) -> Tensor:
        """Return the encoding of the frames' numbers, [1 or frames, 1, 1, channels]."""


class WholeClip:
    """All frames of a clip."""

    def __init__(self, net: GraphBuilder) -> None:
        self._layers = ClipLayers(net)

    def over_time(self, x: Tensor, kernel: Floats, bias: Floats, prefix: str, name: str) -> Tensor:
        """Return the convolution over the frames before and after each, with empty ones at the ends."""
        del prefix
        return self._layers.depthwise_temporal(x, kernel, bias, name=name)

    def mean(self, x: Tensor, prefix: str) -> Tensor:
        """Return the mean of all frames, [1, 1, 1, C]."""
        return self._layers.mean(x, f"{prefix}_pool")

    def positions(self, channels: int) -> Tensor:
        """Refuse: only networks for streams have them, as in the original."""
        raise AssertionError(channels)


def encoding(channels: int) -> tuple[Floats, Floats]:
    """Return (rate, phase) of each channel of a position's code sin(position * rate + phase), sines before cosines.

    Source: Vaswani et al., Attention Is All You Need, 2017; a cosine is a sine a quarter turn later.
    """
    rates = 1 / np.power(10_000.0, 2 * (np.arange(channels) // 2) / channels)
    phases = np.repeat((0.0, np.pi / 2), (channels - channels // 2, channels // 2))
    return np.concatenate([rates[0::2], rates[1::2]]).astype(np.float32), phases.astype(np.float32)


@dataclass(frozen=True)
class Finish:
    """What follows a convolution.

    Attributes:
        activation: one of `graph.ACTIVATIONS`.
        norm: the batch norm before it; None for a bias.
        gain: what the result is multiplied by, before the activation.
        shift: what is added to it, before the activation.
    """

    activation: str
    norm: BatchNorm | None
    gain: float = 1.0
    shift: float = 0.0


class MovinetBuilder:
    """Builds one MoViNet in the graph of *net*."""

    def __init__(self, net: GraphBuilder, config: Movinet, timeline: Timeline, root: str) -> None:
        """Read the variables of the backbone at the path *root*."""
        self._net, self._config, self._timeline, self._root = net, config, timeline, root
        self._clip = ClipLayers(net)
        norm = BatchNorm(config.epsilon, scale=True)
        self._active = Finish(config.activation, norm)
        self._linear = Finish("NONE", norm)
        self._biased = Finish(config.activation, None)

    def logits(self, frames: Tensor, head: str, activation: str, columns: int) -> Tensor:
        """Return the logits of *columns* classes, [1 or frames, columns], of *frames* [frames, H, W, 3].

        The variables of the head are at the path *head*, and its *activation* is its own.
        """
        size = SIZES[self._config.size]
        x = self._conv(Scaled(frames), f"{self._layer(0)}/_stem", size.stem, self._active, side=3, stride=2)
        number = 1
        for place, stage in enumerate(size.stages):
            for order, layer in enumerate(stage.layers):
                stride = 2 if order == 0 and place != UNSTRIDED else 1
                block = _Block(layer, stage.channels, stride, f"block{place}_layer{order}")
                x = self._block(x, self._layer(number), block)
                number += 1
        x = self._conv(x, f"{self._layer(number)}/_project", size.projected, self._active)
        x = Scaled(self._timeline.mean(x.tensor, "head"), x.scale)
        x = self._conv(x, f"{head}/_head", size.head, replace(self._biased, activation=activation))
        made = self._conv(x, f"{head}/_classifier", columns, replace(self._biased, activation="NONE"))
        return self._net.reshape(made.tensor, (int(made.tensor.shape[0]), columns), f"{head}/logits")

    def _layer(self, number: int) -> str:
        return f"{self._root}/layer_with_weights-{number}"

    def _block(self, x: Scaled, scope: str, block: _Block) -> Scaled:
        y = self._conv(x, f"{scope}/_expansion", block.layer.expanded, self._active)
        y = self._feature(y, f"{scope}/_feature", block)
        if self._config.pooling != "none":
            y = self._excited(y, f"{scope}/_attention", block.prefix)
        rezero = float(self._net.variable(f"{scope}/_mobile_bottleneck/_rezero/scale", ()))
        y = self._conv(y, f"{scope}/_projection", block.channels, replace(self._linear, gain=rezero))
        shortcut = x
        if block.stride > 1:
            shortcut = Scaled(self._net.average_pool(x.tensor, 3, block.stride, f"{scope}/_skip"), x.scale)
        if block.stride > 1 or self._net.channels(x.tensor) != block.channels:
            finish = replace(self._linear, norm=SKIP_NORM)
            shortcut = self._conv(shortcut, f"{scope}/_skip/_projection", block.channels, finish)
        assert y.scale == shortcut.scale
        return Scaled(self._net.add(y.tensor, shortcut.tensor, scope), y.scale)

    def _feature(self, x: Scaled, scope: str, block: _Block) -> Scaled:
        """Return the depthwise convolution of a block, over space and time."""
        layer, norm = block.layer, f"{scope}/_batch_norm"
        apart = layer.frames == 1 or self._config.split
        frames = 1 if apart else layer.frames
        kernel = self._depthwise_kernel(f"{scope}/_conv", (frames, layer.side, layer.side), layer.expanded)
        kernel, bias = self._folded(kernel, norm, self._active, x.scale)
        y = self._clip.depthwise_volume(x.tensor, kernel, bias, stride=block.stride, name=scope)
        x = self._activated(y, self._active, scope)
        if not apart or layer.frames == 1:
            return x
        inner = f"{scope}/_conv_temporal"
        kernel = self._depthwise_kernel(inner, (layer.frames, 1, 1), layer.expanded)
        kernel, bias = self._folded(kernel, f"{norm}_temporal", self._active, x.scale)
        y = self._timeline.over_time(x.tensor, kernel[:, 0, 0], bias, block.prefix, inner)
        return self._activated(y, self._active, inner)

    def _excited(self, x: Scaled, scope: str, prefix: str) -> Scaled:
        """Return *x* with each channel times its gate."""
        net, channels = self._net, self._net.channels(x.tensor)
        squeezed = self._squeezed(x, scope, prefix)
        widening = net.channels(squeezed) // channels
        hidden = make_divisible(SQUEEZED * channels * widening, SQUEEZE_DIVISOR)
        y = self._conv(Scaled(squeezed, x.scale), f"{scope}/_se_reduce", hidden, self._biased)
        gate = Finish("SIGMOID", None) if self._config.gate == "SIGMOID" else Finish("RELU_6", None, shift=GATE_SHIFT)
        y = self._conv(y, f"{scope}/_se_expand", channels, gate)
        gain = 1.0 if self._config.gate == "SIGMOID" else GATE
        return Scaled(net.multiply(x.tensor, y.tensor, scope), x.scale / gain)

    def _squeezed(self, x: Scaled, scope: str, prefix: str) -> Tensor:
        """Return what a gate depends on: the means that the config says, times the scale of *x*."""
        net, parts = self._net, []
        if self._config.pooling in ("3d", "2plus3d"):
            parts.append(self._timeline.mean(x.tensor, prefix))
        if self._config.pooling in ("2d", "2plus3d"):
            parts.append(net.channel_means(x.tensor, f"{scope}/frames"))
        if len(parts) == 2:  # the mean of a whole clip is beside the mean of each frame
            repeated = [parts[0]] * (int(parts[1].shape[0]) // int(parts[0].shape[0]))
            parts[0] = net.concat(repeated, 0, f"{scope}/repeated")
        squeezed = net.concat(parts, 3, f"{scope}/squeezed")
        if not self._config.positions:
            return squeezed
        weight = float(net.variable(f"{scope}/_pos_encoding/_rezero/scale", ())) * x.scale
        code = net.multiply(self._timeline.positions(net.channels(squeezed)), np.float32(weight), f"{scope}/positions")
        return net.add(squeezed, code, f"{scope}/positions")

    def _conv(self, x: Scaled, scope: str, filters: int, finish: Finish, *, side: int = 1, stride: int = 1) -> Scaled:
        kernel = self._kernel(f"{scope}/_conv", side, self._net.channels(x.tensor), filters)
        where = f"{scope}/_batch_norm" if finish.norm is not None else self._bias(f"{scope}/_conv")
        kernel, bias = self._folded(kernel, where, finish, x.scale)
        y = self._net.conv(x.tensor, kernel, bias, stride=stride, name=scope)
        return self._activated(y, finish, scope)

    def _activated(self, x: Tensor, finish: Finish, scope: str) -> Scaled:
        """Return *x*, activated; a hard swish without its factor, for XNNPACK has no int8 HARD_SWISH."""
        if finish.activation != "HARD_SWISH":
            return Scaled(self._net.activate(x, finish.activation, scope))
        gate = self._net.activate(self._net.add(x, np.float32(GATE_SHIFT), f"{scope}/shifted"), "RELU_6", scope)
        return Scaled(self._net.multiply(x, gate, f"{scope}/hard_swish"), GAIN)

    def _folded(self, kernel: Floats, where: str, finish: Finish, scale: float) -> tuple[Floats, Floats]:
        """Return the *kernel* [..., filters] and the bias, with the norm or the bias at *where*, that read *scale*."""
        filters = kernel.shape[-1]
        if finish.norm is None:
            factors, bias = np.ones(filters), self._net.variable(where, (filters,)).astype(np.float64)
        else:
            factors, bias = batch_norm_of(self._net, where, filters, finish.norm)
        folded = kernel.astype(np.float64) * (factors * finish.gain / scale)
        return folded.astype(np.float32), (bias * finish.gain + finish.shift).astype(np.float32)

    def _kernel(self, scope: str, side: int, channels: int, filters: int) -> Floats:
        """Return the kernel [side, side, channels, filters]: of a 3-D convolution over one frame, or a 2-D one."""
        flat = f"{scope}/_conv/kernel"
        if self._net.has(flat):
            return self._net.variable(flat, (side, side, channels, filters))
        volume = self._net.variable(f"{scope}/kernel", (1, side, side, channels, filters))
        return volume.reshape(volume.shape[1:])

    def _bias(self, scope: str) -> str:
        flat = f"{scope}/_conv/bias"
        return flat if self._net.has(flat) else f"{scope}/bias"

    def _depthwise_kernel(self, scope: str, sides: tuple[int, int, int], channels: int) -> Floats:
        """Return the kernel [frames, side, side, channels]: of a grouped 3-D convolution, or a depthwise 2-D one."""
        flat, (frames, side, _side) = f"{scope}/_conv/depthwise_kernel", sides
        if min(frames, side) > 1 or not self._net.has(flat):
            return self._net.variable(f"{scope}/kernel", (*sides, 1, channels)).reshape(*sides, channels)
        inner = (frames, 1) if frames > 1 else sides[1:]
        return self._net.variable(flat, (*inner, channels, 1)).reshape(*sides, channels)


@dataclass(frozen=True)
class _Block:
    """A layer, the channels of its output, its stride in space, and the prefix of its states."""

    layer: MovinetLayer
    channels: int
    stride: int
    prefix: str
