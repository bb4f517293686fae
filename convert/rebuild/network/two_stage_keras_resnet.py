"""ResNet V1 of Keras in two parts: the first for the whole image, the last block for each of its regions."""

from __future__ import annotations

from dataclasses import dataclass

from detlite.convert.rebuild.detector_config import BatchNorm
from detlite.convert.rebuild.network.graph import GraphBuilder, Tensor
from detlite.convert.rebuild.network.keras import KERAS_NAMES
from detlite.convert.rebuild.network.keras_resnet import KerasResNet
from detlite.convert.rebuild.network.resnet_v1 import EPSILON
from detlite.convert.rebuild.network.slim import Slim, Style

STYLE = Style("RELU", BatchNorm(EPSILON, scale=True))
"""The config's hyperparameters do not reach this backbone."""


@dataclass(frozen=True)
class TwoStageKerasResNet:
    """The backbone with 50, 101 or 152 *layers*."""

    layers: int

    def image_features(self, net: GraphBuilder, image: Tensor, stride: int) -> Tensor:
        """Return the map of the whole image, with cells 16 pixels apart."""
        del stride  # there is no other
        model = "model/_feature_extractor_for_proposal_features"
        return KerasResNet(Slim(net, KERAS_NAMES), model, STYLE).third_block(image, self.layers)

    def region_features(self, net: GraphBuilder, regions: Tensor) -> Tensor:
        """Return the maps of *regions* [count, rows, columns, channels], at half their size."""
        model = "model/_feature_extractor_for_box_classifier_features"
        return KerasResNet(Slim(net, KERAS_NAMES), model, STYLE).fourth_block(regions, self.layers)
