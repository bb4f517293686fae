"""Backbones of two-stage detectors in two parts: their parameters, and the sizes of their maps."""

import pytest

from detlite.convert.rebuild.network.graph import GraphBuilder
from detlite.convert.rebuild.network.two_stage_inception_resnet import (
    TwoStageInceptionResNet,
    TwoStageKerasInceptionResNet,
)
from detlite.convert.rebuild.network.two_stage_keras_resnet import TwoStageKerasResNet
from detlite.convert.rebuild.network.two_stage_resnet_v1 import TwoStageResNetV1
from detlite.convert.rebuild.weights.random import RandomWeights

PUBLISHED = 54_276_192
"""Trained parameters of Keras's InceptionResNetV2 without its classifier; TF-Slim's network has as many."""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("backbone", "stride", "cells", "regions"),
    [
        (TwoStageInceptionResNet(), 16, 5, 2),
        (TwoStageInceptionResNet(), 8, 9, 4),
        (TwoStageKerasInceptionResNet(), 16, 5, 3),
    ],
)
def test_inception_resnet_v2_has_the_published_parameters(backbone, stride, cells, regions):
    with GraphBuilder(RandomWeights(0), (65, 65, 3)) as net:
        x = backbone.image_features(net, net.image, stride)
        assert (net.size(x), net.channels(x)) == ((cells, cells), 1088)
        y = backbone.region_features(net, x)
        assert (net.size(y), net.channels(y), net.parameters) == ((regions, regions), 1536, PUBLISHED)


RESNETS = {50: 23_508_032, 101: 42_500_160, 152: 58_143_808}
"""Trained parameters of ResNet without its classifier, as PyTorch's table of models has them."""


@pytest.mark.slow
@pytest.mark.parametrize("layers", RESNETS)
@pytest.mark.parametrize(
    ("kind", "stride", "cells", "regions"),
    [(TwoStageResNetV1, 16, 5, 5), (TwoStageResNetV1, 8, 9, 9), (TwoStageKerasResNet, 16, 5, 3)],
)
def test_resnets_have_the_published_parameters(kind, layers, stride, cells, regions):
    backbone = kind(layers)
    with GraphBuilder(RandomWeights(0), (65, 65, 3)) as net:
        x = backbone.image_features(net, net.image, stride)
        assert (net.size(x), net.channels(x)) == ((cells, cells), 1024)
        y = backbone.region_features(net, x)
        assert (net.size(y), net.channels(y), net.parameters) == ((regions, regions), 2048, RESNETS[layers])
