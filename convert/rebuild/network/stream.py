"""The frame of a stream that a network sees, and the states that it carries to the next frame."""

from __future__ import annotations

import numpy as np

from detlite.convert.rebuild.network.built_network import BuiltState
from detlite.convert.rebuild.network.graph import GraphBuilder, Tensor
from detlite.convert.rebuild.network.movinet import encoding
from detlite.convert.tensorflow import load_tensorflow
from detlite.runtime.arrays import Floats

COUNT = "frame_count"
"""The state that counts the frames so far. A float, that the means are computed in: it is exact up to 2 ** 24."""


class OneFrame:
    """One frame, and the states of all frames before it; all begin as zeros.

    A buffer [1, frames, H * W, C] holds the latest frames that a convolution over time reads, and has time for rows. A
    mean is over all frames so far, m - (m - x) / n: unlike a sum it stays within its range, whatever n is.
    """

    def __init__(self, net: GraphBuilder) -> None:
        self._net, self._tf = net, load_tensorflow()
        self._states: list[BuiltState] = []
        self._codes: dict[int, Tensor] = {}
        self._before = net.placeholder(COUNT, (1, 1, 1, 1))
        self._number = net.add(self._before, np.float32(1), f"states/{COUNT}")

    @property
    def states(self) -> tuple[BuiltState, ...]:
        """The states of the network that was built."""
        return (*self._states, self._state(COUNT, self._before, self._number))

    def over_time(self, x: Tensor, kernel: Floats, bias: Floats, prefix: str, name: str) -> Tensor:
        """Return the convolution over *x* and the frames before it, [1, H, W, C]."""
        net = self._net
        rows, columns = net.size(x)
        pixels, channels, frames = rows * columns, net.channels(x), len(kernel)
        buffer = net.placeholder(f"{prefix}_stream_buffer", (1, frames - 1, pixels, channels))
        latest = net.concat([buffer, net.reshape(x, (1, 1, pixels, channels), f"{name}/rows")], 1, f"{name}/latest")
        following = self._tf.strided_slice(
            latest, (0, 1, 0, 0), (1, frames, pixels, channels), name=f"states/{prefix}_stream_buffer"
        )
        self._states.append(self._state(f"{prefix}_stream_buffer", buffer, following))
        y = net.depthwise(latest, kernel[:, None, :, None], bias, padding="VALID", name=name)
        return net.reshape(y, (1, rows, columns, channels), f"{name}/frame")

    def mean(self, x: Tensor, prefix: str) -> Tensor:
        """Return the mean of *x* and of all frames before it, [1, 1, 1, C]."""
        name = f"{prefix}_pool_mean"
        means = self._net.channel_means(x, f"{name}/frame")
        before = self._net.placeholder(name, (1, 1, 1, self._net.channels(x)))
        step = self._tf.divide(self._tf.subtract(before, means, name=f"{name}/difference"), self._number)
        following = self._tf.subtract(before, step, name=f"states/{name}")
        self._states.append(self._state(name, before, following))
        return following

    def positions(self, channels: int) -> Tensor:
        """Return the encoding of the number of frames before this one, [1, 1, 1, channels]."""
        if channels not in self._codes:
            rates, phases = encoding(channels)
            angles = self._net.multiply(self._before, rates, f"positions/{channels}")
            shifted = self._net.add(angles, phases, f"positions/{channels}")
            self._codes[channels] = self._tf.sin(shifted, name=f"positions/{channels}/Sin")
        return self._codes[channels]

    @staticmethod
    def _state(name: str, before: Tensor, following: Tensor) -> BuiltState:
        return BuiltState(name, tuple(int(side) for side in before.shape), following.name)
