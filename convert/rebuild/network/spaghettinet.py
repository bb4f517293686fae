"""SpaghettiNet: a backbone whose nodes are connected by resampling edges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from detlite.convert.graph.trained_ranges import NO_RANGE, RESIDUAL, grid_of
from detlite.convert.rebuild.network.graph import Tensor
from detlite.convert.rebuild.network.slim import Slim, Style
from detlite.convert.rebuild.network.spaghettinet_nodes import (
    OUTPUTS,
    STEM,
    STEM_CHANNELS,
    STEM_KERNEL,
    GroupedLayer,
    InvertedLayer,
    SeparableLayer,
    SpaghettiNode,
)

SIX = 6.0
ACTIVE = Style("RELU_6")
LINEAR = Style("NONE")
DEPTHWISE = Style("NONE", norm=None)
CONCAT = "concat"
"""The name of the range that the slices of a grouped convolution share; float networks have it too."""


@dataclass(frozen=True)
class SpaghettiNet:
    """One SpaghettiNet.

    Attributes:
        slim: builds its layers.
        scope: `FeatureExtractor/spaghettinet_edgetpu_s`.
        nodes: by name, in build order.
        explicit_padding: whether layers with a stride are padded explicitly.
    """

    slim: Slim
    scope: str
    nodes: Mapping[str, SpaghettiNode]
    explicit_padding: bool

    def maps(self, image: Tensor) -> list[Tensor]:
        """Return the outputs of the last nodes, finest first."""
        scope = f"{self.scope}/spaghetti_net"
        stem = self._strided(ACTIVE, 2)
        done = {
            STEM: self.slim.conv(image, f"{scope}/stem_node/stem", STEM_CHANNELS, STEM_KERNEL, style=stem, stride=2)
        }
        residuals = 0
        for name, node in self.nodes.items():
            x = self._gathered(name, node, done)
            for number, layer in enumerate(node.layers):
                y = self._layer(x, f"{scope}/{name}_{number}", node.channels, layer)
                if number:
                    y = self._residual(y, x, residuals)
                    residuals += 1
                x = y
            done[name] = x
        return [done[name] for name in OUTPUTS]

    def _strided(self, style: Style, stride: int) -> Style:
        return replace(style, explicit_padding=self.explicit_padding and stride > 1)

    def _residual(self, y: Tensor, x: Tensor, number: int) -> Tensor:
        """Return y + x. All sums share one scope, in which TensorFlow 1 numbers their ranges."""
        kind = f"{RESIDUAL}_{number}" if number else RESIDUAL
        return self.slim.net.add(y, x, self.scope, kind=kind)

    def _gathered(self, name: str, node: SpaghettiNode, done: Mapping[str, Tensor]) -> Tensor:
        if len(node.sources) == 1:
            return done[node.sources[0]]
        net = self.slim.net
        edges = [self._edge(source, name, done[source]) for source in node.sources]
        finest = min(range(len(edges)), key=lambda index: self.nodes[node.sources[index]].level)
        cropped = [net.crop(edge, net.size(edges[finest]), f"{self.scope}/{name}") for edge in edges]
        total = net.add(cropped[0], cropped[1], f"{self.scope}/{name}", kind=NO_RANGE)
        return net.activate(total, "RELU_6", f"{self.scope}/{name}")

    def _edge(self, source: str, target: str, x: Tensor) -> Tensor:
        """Return *x* with the channels of *target* and, except for a border, its size."""
        slim, scope = self.slim, f"{self.scope}/edge_{source}_{target}"
        channels = self.nodes[target].channels
        levels = self.nodes[target].level - self.nodes[source].level
        if levels > 0:
            small = self._pooled(x, 2**levels, scope)
            return slim.conv(small, f"{scope}/1x1_after_downsampling", channels, 1, style=LINEAR)
        if levels == 0:
            return slim.conv(x, f"{scope}/1x1_no_resampling", channels, 1, style=LINEAR)
        y = slim.conv(x, f"{scope}/1x1_before_upsample", channels, 1, style=LINEAR)
        rows, columns = slim.net.size(y)
        return slim.net.resize_nearest(y, (rows * 2**-levels, columns * 2**-levels), scope)

    def _pooled(self, x: Tensor, stride: int, scope: str) -> Tensor:
        if not self.explicit_padding:
            return self.slim.net.max_pool(x, stride + 1, stride, scope)
        before, after = (stride // 2,) * 2, (stride - stride // 2,) * 2
        padded = self.slim.net.pad(x, before, after, scope)
        return self.slim.net.max_pool(padded, stride + 1, stride, scope, padding="VALID")

    def _layer(
        self, x: Tensor, scope: str, channels: int, layer: InvertedLayer | GroupedLayer | SeparableLayer
    ) -> Tensor:
        if isinstance(layer, InvertedLayer):
            return self._inverted(x, scope, channels, layer)
        if isinstance(layer, GroupedLayer):
            return self._grouped(x, scope, channels, layer)
        style = self._strided(DEPTHWISE, layer.stride)
        y = self.slim.depthwise(x, f"{scope}/depthwise", layer.kernel, style=style, stride=layer.stride)
        return self.slim.conv(y, f"{scope}/pointwise", channels, 1, style=ACTIVE)

    def _inverted(self, x: Tensor, scope: str, channels: int, layer: InvertedLayer) -> Tensor:
        y = self.slim.conv(x, f"{scope}/expansion", channels * layer.expansion, 1, style=ACTIVE)
        style = self._strided(ACTIVE, layer.stride)
        y = self.slim.depthwise(y, f"{scope}/depthwise", layer.kernel, style=style, stride=layer.stride)
        return self.slim.conv(y, f"{scope}/projection", channels, 1, style=LINEAR)

    def _grouped(self, x: Tensor, scope: str, channels: int, layer: GroupedLayer) -> Tensor:
        net, style = self.slim.net, replace(self._strided(ACTIVE, layer.stride), ranged=False)
        count = net.channels(x) // layer.groups
        parts = []
        for number in range(layer.groups):
            name = f"{scope}/slice_{number}"
            part = net.channel_slice(x, number * count, count, name)
            y = self.slim.conv(part, name, count * layer.expansion, layer.kernel, style=style, stride=layer.stride)
            parts.append(net.ranged(y, scope, CONCAT))
        whole = net.concat(parts, -1, f"{scope}/{CONCAT}")
        if not net.quantized:
            whole = self._rounded(whole, f"{scope}/{CONCAT}")
        return self.slim.conv(whole, f"{scope}/projection", channels, 1, style=LINEAR)

    def _rounded(self, x: Tensor, scope: str) -> Tensor:
        """Return *x*, the output of a ReLU6, rounded to its trained grid; float networks were trained with it too."""
        grid = grid_of(*self.slim.net.trained_range(*scope.rsplit("/", 1)))
        clipped = x if grid.high >= SIX else self.slim.net.at_most(x, grid.high, scope)
        return self.slim.net.snapped(clipped, grid.scale, scope)
