"""Every public config of quantization-aware training: the ranges that its network asks the checkpoint for."""

from __future__ import annotations

import pytest
from builders.ranged_weights import RangedWeights

from detlite.convert.rebuild.network.ssd import build_ssd
from detlite.convert.rebuild.odapi.config.read import read_pipeline
from detlite.convert.rebuild.odapi.family import family_of_extractor

pytestmark = pytest.mark.data

RANGES = {
    "ssd_mobilenet_v1_quantized_300x300_coco14_sync": 94,
    "ssd_mobilenet_v1_0.75_depth_quantized_300x300_coco14_sync": 94,
    "ssd_mobilenet_v2_quantized_300x300_coco": 154,
    "facessd_mobilenet_v2_quantized_320x320_open_image_v4": 154,
    "ssdlite_mobilenet_edgetpu_320x320_coco_quant": 201,
    "ssd_mobilenet_v2_fpnlite_quantized_shared_box_predictor_256x256_depthmultiplier_75_coco14_sync": 226,
}
"""Pairs of min and max that `contrib.quantize` of TensorFlow 1.15 makes of the original graphs, counted there."""

SHARED = "WeightSharedConvolutionalBoxPredictor"


def asked_ranges(shared_data, name):
    path = shared_data / "configs" / "tf1_samples" / f"{name}.config"
    pipeline, weights = read_pipeline(path), RangedWeights()
    assert pipeline.quantization_aware
    model = pipeline.model
    _, extractor = family_of_extractor(model.extractor.type, model.extractor.line, name)
    build_ssd(model, extractor, weights, (model.resizer.height, model.resizer.width), quantized=True)
    return weights.ranges


@pytest.mark.parametrize("name", RANGES)
def test_a_network_asks_for_as_many_ranges_as_the_original_has(shared_data, name):
    assert len(asked_ranges(shared_data, name)) == RANGES[name]


def test_levels_share_the_ranges_of_shared_kernels_and_have_their_own_of_activations(shared_data):
    asked = asked_ranges(shared_data, list(RANGES)[-1])
    layer = "PredictionTower/conv2d_0/separable_conv2d"
    assert {name for name in asked if name.endswith(f"{layer}/weights_quant")} == {f"{SHARED}/{layer}/weights_quant"}
    levels = {f"{SHARED}{level}/{layer}/act_quant" for level in ("", "_1", "_2", "_3", "_4")}
    assert {name for name in asked if name.endswith(f"{layer}/act_quant")} == levels
