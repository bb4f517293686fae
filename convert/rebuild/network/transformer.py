"""The vision transformer of TF-Vision.

Source: Dosovitskiy et al., An Image is Worth 16x16 Words, ICLR 2021. TF-Vision normalizes before attention and before
the dense layers, and its GELU is the one with tanh.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from detlite.convert.rebuild.network.graph import GraphBuilder, Tensor
from detlite.convert.rebuild.network.keras import KERAS_NAMES
from detlite.convert.rebuild.network.slim import Slim, Style
from detlite.convert.tensorflow import load_tensorflow
from detlite.runtime.errors import InputError

EPSILON = 1e-6
PATCHES = Style("NONE", norm=None, valid=True)


@dataclass(frozen=True)
class TransformerBackbone:
    """A vision transformer.

    Attributes:
        patch: the side of a patch, in pixels.
        width: the numbers of a token.
        inner: those inside the dense layers.
        heads: of the attention.
        layers: how many blocks.
        representation: the width of the dense layer before the classes; 0 for none.
    """

    patch: int
    width: int
    inner: int
    heads: int
    layers: int
    representation: int


def build_transformer(net: GraphBuilder, image: Tensor, config: TransformerBackbone, root: str) -> Tensor:
    """Return what the transformer at the path *root* says of *image* in its class token, [1, 1, 1, numbers]."""
    return _Transformer(net, config, root).features(image)


class _Transformer:
    """Builds one transformer in the graph of *net*, which is the default graph while it is built."""

    def __init__(self, net: GraphBuilder, config: TransformerBackbone, root: str) -> None:
        self._net, self._config, self._root = net, config, root
        self._tf = load_tensorflow()

    def features(self, image: Tensor) -> Tensor:
        net, config, encoder = self._net, self._config, f"{self._root}/layer_with_weights-2"
        x = self._tokens(image)
        for number in range(config.layers):
            x = self._block(x, f"{encoder}/_encoder_layers/{number}")
        token = self._tf.slice(x, (0, 0), (1, config.width), name=f"{encoder}/token")  # all before is of each token
        token = self._norm(token, f"{encoder}/_norm")
        if config.representation:
            scope = f"{self._root}/layer_with_weights-3"
            token = self._tf.tanh(self._dense(token, scope, config.representation), name=f"{scope}/Tanh")
        return net.reshape(token, (1, 1, 1, net.channels(token)), f"{encoder}/features")

    def _tokens(self, image: Tensor) -> Tensor:
        """Return the class token and those of the patches, with their positions: [tokens, width]."""
        net, config, root = self._net, self._config, self._root
        rows, columns = net.size(image)
        if min(rows, columns) < config.patch:
            raise InputError(
                f"an image of {rows} x {columns} pixels is smaller than a patch of {config.patch} x {config.patch}: "
                "give a larger --input"
            )
        patches = Slim(net, KERAS_NAMES).conv(
            image, f"{root}/layer_with_weights-0", config.width, config.patch, style=PATCHES, stride=config.patch
        )
        rows, columns = net.size(patches)
        tokens = net.reshape(patches, (rows * columns, config.width), f"{root}/patches")
        first = net.variable(f"{root}/layer_with_weights-1/cls", (1, 1, config.width)).reshape(1, config.width)
        whole = net.concat([self._tf.constant(first), tokens], 0, f"{root}/tokens")
        name = f"{root}/layer_with_weights-2/_pos_embed/pos_embedding"
        places = net.variable(name, (1, rows * columns + 1, config.width))
        return net.add(whole, places[0], f"{root}/positions")

    def _block(self, x: Tensor, scope: str) -> Tensor:
        net = self._net
        x = net.add(x, self._attention(self._norm(x, f"{scope}/_attention_layer_norm"), scope), scope)
        inner = self._dense(
            self._norm(x, f"{scope}/_output_layer_norm"), f"{scope}/_intermediate_dense", self._config.inner
        )
        inner = self._tf.nn.gelu(inner, approximate=True, name=f"{scope}/Gelu")
        return net.add(x, self._dense(inner, f"{scope}/_output_dense", self._config.width), scope)

    def _attention(self, x: Tensor, scope: str) -> Tensor:
        net, config, layer = self._net, self._config, f"{scope}/_attention_layer"
        depth = config.width // config.heads
        scale = np.float32(1 / math.sqrt(depth))
        query, key, value = (self._heads(x, f"{layer}/_{name}_dense") for name in ("query", "key", "value"))
        tokens = int(x.shape[0])
        scores = self._tf.matmul(net.multiply(query, scale, layer), key, transpose_b=True, name=f"{layer}/scores")
        found = self._tf.matmul(self._tf.nn.softmax(scores, name=f"{layer}/Softmax"), value, name=f"{layer}/values")
        net.macs += 2 * config.heads * tokens * tokens * depth
        joined = net.reshape(
            self._tf.transpose(found, (1, 0, 2), name=f"{layer}/back"), (tokens, config.width), f"{layer}/joined"
        )
        kernel = net.variable(f"{layer}/_output_dense/kernel", (config.heads, depth, config.width))
        bias = net.variable(f"{layer}/_output_dense/bias", (config.width,))
        return net.dense(joined, kernel.reshape(config.width, config.width), bias, f"{layer}/_output_dense")

    def _heads(self, x: Tensor, scope: str) -> Tensor:
        """Return the projection of *x* for each head: [heads, tokens, depth]."""
        net, config = self._net, self._config
        depth = config.width // config.heads
        kernel = net.variable(f"{scope}/kernel", (config.width, config.heads, depth))
        bias = net.variable(f"{scope}/bias", (config.heads, depth))
        y = net.dense(x, kernel.reshape(config.width, config.width), bias.reshape(config.width), scope)
        split = net.reshape(y, (int(x.shape[0]), config.heads, depth), f"{scope}/split")
        return self._tf.transpose(split, (1, 0, 2), name=f"{scope}/heads")

    def _dense(self, x: Tensor, scope: str, filters: int) -> Tensor:
        kernel = self._net.variable(f"{scope}/kernel", (int(x.shape[-1]), filters))
        return self._net.dense(x, kernel, self._net.variable(f"{scope}/bias", (filters,)), scope)

    def _norm(self, x: Tensor, scope: str) -> Tensor:
        """Return the layer normalization of each token (Ba et al., 2016)."""
        net, width = self._net, int(x.shape[-1])
        gamma, beta = (net.variable(f"{scope}/{name}", (width,)) for name in ("gamma", "beta"))
        mean = self._tf.reduce_mean(x, -1, keepdims=True, name=f"{scope}/mean")
        centred = self._tf.subtract(x, mean, name=f"{scope}/centred")
        variance = self._tf.reduce_mean(
            self._tf.multiply(centred, centred, name=f"{scope}/squares"), -1, keepdims=True, name=f"{scope}/variance"
        )
        gain = self._tf.math.rsqrt(self._tf.add(variance, np.float32(EPSILON)), name=f"{scope}/Rsqrt")
        return net.add(net.multiply(net.multiply(centred, gain, scope), gamma, scope), beta, scope)
