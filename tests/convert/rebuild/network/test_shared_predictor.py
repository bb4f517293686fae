"""The box predictor whose towers and heads all levels share: its variables, its sizes, what it refuses."""

from __future__ import annotations

from dataclasses import replace

import pytest
from builders.asked_weights import AskedWeights

from detlite.convert.rebuild.detector_config import BatchNorm, ConvHyperparams, WeightSharedPredictor
from detlite.convert.rebuild.network.graph import GraphBuilder
from detlite.convert.rebuild.network.predictors import Columns
from detlite.convert.rebuild.network.shared_predictor import shared_predictor
from detlite.convert.rebuild.network.slim import Slim
from detlite.runtime.errors import InputError

SCOPE = "WeightSharedConvolutionalBoxPredictor/"
NORM = BatchNorm(scale=True)
TOWER = WeightSharedPredictor(ConvHyperparams("SWISH", NORM), layers=1, depth=8, share_prediction_tower=True)
NORMS = ("gamma", "beta", "moving_mean", "moving_variance")


def predict(config, channels=(4, 4), anchors=(2, 2), classes=3):
    """What the predictor asks for and makes of one map of 4 x 4 for each of *channels*."""
    weights = AskedWeights()
    with GraphBuilder(weights, (4, 4, sum(channels))) as net:
        begins = [sum(channels[:number]) for number in range(len(channels))]
        maps = [
            net.channel_slice(net.image, begin, count, "map") for begin, count in zip(begins, channels, strict=True)
        ]
        encodings, logits = shared_predictor(Slim(net), maps, config, anchors, Columns(classes))
        return weights, net, encodings, logits


def test_levels_share_kernels_and_have_batch_norms_of_their_own():
    weights, *_ = predict(TOWER)
    tower = "PredictionTower/conv2d_0"
    norms = {f"{tower}/BatchNorm/feature_{level}/{name}" for level in (0, 1) for name in NORMS}
    heads = {f"{head}/{name}" for head in ("BoxPredictor", "ClassPredictor") for name in ("weights", "biases")}
    assert weights.asked(SCOPE) == {f"{tower}/weights"} | norms | heads


def test_a_shared_kernel_counts_once_among_the_parameters():
    _, net, *_ = predict(TOWER)
    kernel, norms = 3 * 3 * 4 * 8, 2 * 2 * 8
    boxes, classes = 3 * 3 * 8 * 8 + 8, 3 * 3 * 8 * 6 + 6
    assert net.parameters == kernel + norms + boxes + classes


def test_a_shared_kernel_counts_for_each_level_among_the_multiplications():
    _, net, *_ = predict(TOWER)
    assert net.macs == 2 * 16 * (3 * 3 * 4 * 8 + 3 * 3 * 8 * 8 + 3 * 3 * 8 * 6)


def test_each_cell_has_four_numbers_and_all_columns_for_each_of_its_anchors():
    _, _, encodings, logits = predict(TOWER)
    assert [part.shape.as_list() for part in encodings] == [[1, 4, 4, 8]] * 2
    assert [part.shape.as_list() for part in logits] == [[1, 4, 4, 6]] * 2


def test_without_sharing_boxes_and_classes_have_towers_of_their_own():
    weights, *_ = predict(replace(TOWER, share_prediction_tower=False))
    kernels = {name for name in weights.asked(SCOPE) if name.endswith("Tower/conv2d_0/weights")}
    assert kernels == {"BoxPredictionTower/conv2d_0/weights", "ClassPredictionTower/conv2d_0/weights"}


def test_without_a_batch_norm_the_towers_have_biases():
    weights, *_ = predict(replace(TOWER, conv=ConvHyperparams("RELU"), apply_batch_norm=False))
    tower = {name for name in weights.asked(SCOPE) if "Tower" in name}
    assert tower == {"PredictionTower/conv2d_0/weights", "PredictionTower/conv2d_0/biases"}


def test_depthwise_towers_and_heads_have_a_kernel_for_space_and_one_for_channels():
    weights, *_ = predict(replace(TOWER, use_depthwise=True))
    assert weights.shapes[f"{SCOPE}PredictionTower/conv2d_0/depthwise_weights"] == (3, 3, 4, 1)
    assert weights.shapes[f"{SCOPE}ClassPredictor/pointwise_weights"] == (1, 1, 8, 6)


def test_the_activation_is_relu6_whatever_the_config_says():
    _, net, *_ = predict(TOWER)
    assert {node.op for node in net.graph_def.node} & {"Relu6", "Sigmoid"} == {"Relu6"}


def test_maps_of_unequal_channels_are_projected_to_those_of_the_most():
    weights, *_ = predict(TOWER, channels=(6, 4, 4), anchors=(2, 2, 2))
    shapes = [weights.shapes[f"{SCOPE}ProjectionLayer/conv2d_{level}/weights"] for level in range(3)]
    assert shapes == [(1, 1, 6, 4), (1, 1, 4, 4), (1, 1, 4, 4)]


def test_a_projection_has_one_batch_norm_and_no_activation():
    weights, net, *_ = predict(replace(TOWER, layers=0), channels=(6, 4, 4), anchors=(2, 2, 2))
    assert f"{SCOPE}ProjectionLayer/conv2d_0/BatchNorm/gamma" in weights.shapes
    assert "Relu6" not in {node.op for node in net.graph_def.node}


def test_levels_with_other_numbers_of_anchors_are_refused():
    with pytest.raises(InputError, match=r"anchors per cell on all levels, got 3, 6: set reduce_boxes_in_lowest"):
        predict(TOWER, anchors=(3, 6))
