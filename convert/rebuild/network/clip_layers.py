"""3-D convolutions of a clip as 2-D ones: its frames are the batch, [frames, H, W, C].

TFLite runs CONV_3D in float alone and without XNNPACK, and cannot convert a grouped one. Each function here computes
what the 3-D operator does, up to the order of its sums.
"""

from __future__ import annotations

from collections.abc import Sequence

from detlite.convert.rebuild.network.graph import GraphBuilder, Tensor
from detlite.runtime.arrays import Floats


class ClipLayers:
    """Layers over the frames of one clip; paddings are TensorFlow's SAME, in time as in space."""

    def __init__(self, net: GraphBuilder) -> None:
        self.net = net

    def temporal(self, x: Tensor, kernel: Floats, bias: Floats | None, *, stride: int = 1, name: str) -> Tensor:
        """Return the convolution of *x* with *kernel* [frames, in, out], over time alone."""
        if len(kernel) == 1:
            return self.net.conv(self.every(x, stride, name), kernel[None], bias, name=name)
        rows = self._rows(x, f"{name}/rows")
        y = self.net.conv(rows, kernel[:, None], bias, stride=(stride, 1), name=name)
        return self._frames(y, x, f"{name}/frames")

    def depthwise_temporal(self, x: Tensor, kernel: Floats, bias: Floats | None, *, name: str) -> Tensor:
        """Return the convolution over time of each channel of *x* with *kernel* [frames, channels]."""
        y = self.net.depthwise(self._rows(x, f"{name}/rows"), kernel[:, None, :, None], bias, name=name)
        return self._frames(y, x, f"{name}/frames")

    def volume(self, x: Tensor, kernel: Floats, bias: Floats | None, *, strides: tuple[int, int], name: str) -> Tensor:
        """Return the convolution of *x* with *kernel* [frames, kh, kw, in, out] and *strides* in time and in space.

        The frames that a kernel covers become the channels of one 2-D convolution.
        """
        frames, rows, columns, channels, filters = kernel.shape
        windows = self._windows(x, frames, strides[0], name)
        flat = kernel.transpose(1, 2, 0, 3, 4).reshape(rows, columns, frames * channels, filters)
        joined = self.net.concat(windows, 3, f"{name}/joined")
        return self.net.conv(joined, flat, bias, stride=strides[1], name=name)

    def depthwise_volume(self, x: Tensor, kernel: Floats, bias: Floats | None, *, stride: int = 1, name: str) -> Tensor:
        """Return the convolution of each channel of *x* with *kernel* [frames, kh, kw, channels]; *stride* in space."""
        total = None
        for number, window in enumerate(self._windows(x, len(kernel), 1, name)):
            part = self.net.depthwise(window, kernel[number][..., None], None, stride=stride, name=f"{name}/{number}")
            total = part if total is None else self.net.add(total, part, f"{name}/{number}")
        return self.net.bias(total, bias, name)

    def max_pool(self, x: Tensor, strides: tuple[int, int], name: str) -> Tensor:
        """Return the maximum of *x* in windows of 3 x 3 pixels, and of 3 frames if *strides*, in time, are over 1."""
        x = self.net.max_pool(x, 3, strides[1], name)
        if strides[0] == 1:
            return x
        pooled = self.net.max_pool(self._rows(x, f"{name}/rows"), (3, 1), (strides[0], 1), f"{name}/time")
        return self._frames(pooled, x, f"{name}/frames")

    def mean(self, x: Tensor, name: str) -> Tensor:
        """Return the mean of each channel over all frames and pixels, [1, 1, 1, C]."""
        means = self.net.channel_means(x, name)
        count, channels = int(x.shape[0]), self.net.channels(x)
        if count == 1:
            return means
        rows = self.net.reshape(means, (1, count, 1, channels), f"{name}/rows")
        return self.net.channel_means(rows, f"{name}/time")

    def every(self, x: Tensor, stride: int, name: str) -> Tensor:
        """Return every *stride*-th frame of *x*, the first among them."""
        return self._strided(x, [0], -(-int(x.shape[0]) // stride), stride, f"{name}/every")[0]

    def _windows(self, x: Tensor, frames: int, stride: int, name: str) -> list[Tensor]:
        """Return for each frame of a kernel of *frames* the frames of *x* that it meets, [T, H, W, C]."""
        count = int(x.shape[0])
        outputs = -(-count // stride)
        padded = max((outputs - 1) * stride + frames - count, 0)
        whole = -(count + padded) % stride
        x = self.net.pad_frames(x, padded // 2, padded - padded // 2 + whole, name)
        return self._strided(x, range(frames), outputs, stride, name)

    def _strided(self, x: Tensor, begins: Sequence[int], count: int, stride: int, name: str) -> list[Tensor]:
        """Return for each of *begins* every *stride*-th frame of *x* from it on, *count* frames.

        XNNPACK takes no slices with strides: *stride* frames become one of as many times the rows, and what is
        sliced is a part of its rows.
        """
        rows, columns = self.net.size(x)
        x = self.net.pad_frames(x, 0, -int(x.shape[0]) % stride, f"{name}/whole")
        if stride > 1:
            x = self.net.reshape(
                x, (int(x.shape[0]) // stride, stride * rows, columns, self.net.channels(x)), f"{name}/high"
            )
        places = [divmod(begin, stride) for begin in begins]
        return [
            self.net.frames(x, group, count, (part * rows, rows), f"{name}/{group * stride + part}")
            for group, part in places
        ]

    def _rows(self, x: Tensor, name: str) -> Tensor:
        """Return *x* with time for rows: [1, frames, H * W, C]."""
        rows, columns = self.net.size(x)
        return self.net.reshape(x, (1, int(x.shape[0]), rows * columns, self.net.channels(x)), name)

    def _frames(self, y: Tensor, like: Tensor, name: str) -> Tensor:
        """Return *y*, which has time for rows, as frames of the size of *like*."""
        return self.net.reshape(y, (int(y.shape[1]), *self.net.size(like), self.net.channels(y)), name)
