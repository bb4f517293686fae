"""`ssd_mobilenet_v1.pytorch` of MLPerf v1.0: the TF1 zoo's model, whose batch norms are partly folded.

The network is built as from the TF1 checkpoint. So the variables of that checkpoint are made of the file's tensors: a
batch norm that was folded is one that changes nothing but adds the bias.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from detlite.convert.rebuild.detector_config import Ssd
from detlite.convert.rebuild.odapi.config.presets import ssd
from detlite.convert.rebuild.torch_network import TorchNetwork
from detlite.convert.rebuild.weights.stored import StateDictWeights
from detlite.convert.rebuild.weights.unused_variables import UnusedVariables
from detlite.convert.rebuild.weights.weights import Name, Weights, names_of
from detlite.runtime.arrays import Floats

FIRST_KINDS = 3
"""Anchors of each cell of the first map."""

BACKBONE = "FeatureExtractor/MobilenetV1/Conv2d_"
FIRST_EXTRA = 2  # TensorFlow counts the extra maps after the two taps of the backbone


@dataclass(frozen=True)
class _Layer:
    """The names of a layer's tensors in the file; *scale* is None where it was folded into the weights."""

    weight: str
    bias: str
    scale: str | None = None


def _layer(scope: str) -> _Layer:
    """Return the tensors of the layer that the TF1 checkpoint has in *scope*."""
    if match := re.fullmatch(r"BoxPredictor_(\d)/(BoxEncoding|Class)Predictor", scope):
        head = f"predictors.{match[1]}.{'classification' if match[2] == 'Class' else 'regression'}"
        return _Layer(f"{head}.weight", f"{head}.bias")
    name = scope.removeprefix(BACKBONE)
    if match := re.fullmatch(r"13_pointwise_([12])_Conv2d_(\d)_.*", name):
        extra = f"extras.{int(match[2]) - FIRST_EXTRA}.{'0' if match[1] == '1' else '2'}"
        return _Layer(f"{extra}.weight", f"{extra}.bias")
    number, _, kind = name.partition("_")
    layer = f"backbone.{number}.{kind or '0'}"
    scale = f"{layer}/BatchNorm.scale" if kind == "depthwise" else None
    return _Layer(f"{layer}.weight", f"{layer}/BatchNorm.bias", scale)


class _AsOfTf1(Weights):
    """The variables of the TF1 checkpoint, made of the tensors of the file.

    The file has no moving statistics: a batch norm of mean 0 and variance 1 - epsilon scales by gamma and adds beta.
    """

    def __init__(self, stored: StateDictWeights) -> None:
        self._stored = stored

    def take(self, name: Name, shape: Sequence[int]) -> Floats:
        """Return the variable; see `Weights.take`."""
        scope, _, variable = names_of(name)[0].rpartition("/")
        layer = _layer(scope.removesuffix("/BatchNorm"))
        if variable == "depthwise_weights":
            rows, columns, channels, multiplier = shape
            kernel = self._stored.take(layer.weight, (channels * multiplier, 1, rows, columns))
            return kernel.reshape(channels, multiplier, rows, columns).transpose(2, 3, 0, 1)
        if variable == "weights":
            rows, columns, inputs, filters = shape
            return self._stored.take(layer.weight, (filters, inputs, rows, columns)).transpose(2, 3, 1, 0)
        if variable in ("biases", "beta"):
            return self._stored.take(layer.bias, shape)
        if variable == "gamma" and layer.scale is not None:
            return self._stored.take(layer.scale, shape)
        return np.full(tuple(shape), FOLDED[variable], np.float32)

    def has(self, name: Name) -> bool:  # noqa: ARG002  # nothing that a network can do without is in the file
        """Return False."""
        return False

    def shape_of(self, name: Name) -> tuple[int, ...] | None:  # noqa: ARG002  # as above
        """Return None."""
        return None

    def finish(self, *, config: str = "pipeline.config") -> UnusedVariables:
        """Return the tensors that were not taken; see `Weights.finish`."""
        return self._stored.finish(config=config)


FOLDED = {"gamma": 1.0, "moving_mean": 0.0, "moving_variance": 1 - 0.001}
"""Values of the variables that the file does not have; 0.001 is the epsilon of the batch norms."""


def config(shape: tuple[int, ...]) -> Ssd:
    """Return the zoo's config, with the number of classes that the *shape* of the first class head tells."""
    return replace(ssd("ssd_mobilenet_v1", kernel_size=1), classes=shape[0] // FIRST_KINDS - 1)


PLUGIN = TorchNetwork(
    title="MLPerf's ssd_mobilenet_v1",
    known_by=("backbone.0.0.weight", "backbone.13.pointwise.weight", "extras.3.2.weight"),
    class_head="predictors.0.classification.weight",
    config=config,
    weights=_AsOfTf1,
)
