"""MobileNet V1 with the maps of an SSD: sizes, operators, and what its options do."""

from __future__ import annotations

from dataclasses import replace

import pytest
from builders.built_network import build, operators, thin

from detlite.convert.rebuild.detector_config import BatchNorm, ConvHyperparams, FeatureExtractor
from detlite.convert.rebuild.network.graph import GraphBuilder
from detlite.convert.rebuild.odapi.families.mobilenet_v1 import backbone_of
from detlite.convert.rebuild.odapi.family import preset
from detlite.runtime.errors import InputError

SCOPE = "FeatureExtractor/MobilenetV1/"
GIVEN = ConvHyperparams("SWISH", BatchNorm(epsilon=0.02))


def embedded(**fields):
    """The embedded SSD as its sample config has it, but for few channels: five maps of 256 x 256 pixels."""
    whole = thin("ssd_mobilenet_v1")
    extractor = replace(whole.extractor, type="embedded_ssd_mobilenet_v1", depth_multiplier=0.125, **fields)
    return replace(whole, extractor=extractor, anchors=replace(whole.anchors, num_layers=5))


def test_parameters_and_multiplications_are_those_of_the_original():
    built, _ = build(preset("ssd_mobilenet_v1"), (300, 300))
    assert (built.parameters, built.macs) == (6_819_839, 1_237_129_408)


def test_it_is_convolutions_alone():
    built, _ = build(thin("ssd_mobilenet_v1"), (64, 64))
    assert operators(built) == {
        "CONCATENATION": 2,
        "CONV_2D": 34,
        "DEPTHWISE_CONV_2D": 13,
        "LOGISTIC": 1,
        "RESHAPE": 12,
    }


def test_both_layers_of_an_extra_map_have_the_minimal_depth():
    model = thin("ssd_mobilenet_v1")
    narrow = replace(model, extractor=replace(model.extractor, depth_multiplier=0.1, min_depth=30))
    _, weights = build(narrow, (64, 64))
    last = {name.split("/")[0] for name in weights.asked(f"{SCOPE}Conv2d_13_pointwise_") if "_5_" in name}
    assert last == {"1_Conv2d_5_1x1_30", "2_Conv2d_5_3x3_s2_30"}


def test_fewer_layers_are_fewer_maps():
    model = thin("ssd_mobilenet_v1", num_layers=3)
    built, _ = build(replace(model, anchors=replace(model.anchors, num_layers=3)), (64, 96))
    assert built.maps == ((4, 6), (2, 3), (1, 2))


def test_explicit_padding_keeps_the_sizes_and_the_weights():
    plain, weights = build(thin("ssd_mobilenet_v1"), (64, 64))
    padded, others = build(thin("ssd_mobilenet_v1", use_explicit_padding=True), (64, 64))
    assert (padded.maps, padded.macs, others.shapes) == (plain.maps, plain.macs, weights.shapes)


@pytest.mark.parametrize(
    ("override", "style"),
    [(True, ("SWISH", BatchNorm(epsilon=0.02))), (False, ("RELU_6", BatchNorm(epsilon=0.001, scale=True)))],
)
def test_only_an_override_takes_activation_and_batch_norm_from_the_config(override, style):
    extractor = FeatureExtractor("ssd_mobilenet_v1", override_hyperparams=override, conv=GIVEN)
    with GraphBuilder(build(thin("ssd_mobilenet_v1"), (64, 64))[1], (64, 64, 3)) as net:
        got = backbone_of(net, extractor).style
    assert (got.activation, got.norm) == style


def test_the_embedded_one_ends_with_a_kernel_of_two():
    built, weights = build(embedded(), (256, 256))
    assert built.maps == ((16, 16), (8, 8), (4, 4), (2, 2), (1, 1))
    assert weights.shapes[f"{SCOPE}Conv2d_13_pointwise_2_Conv2d_4_2x2_s2_32/weights"] == (2, 2, 16, 32)


def test_the_embedded_one_ignores_an_override_as_the_original_does():
    _, weights = build(embedded(override_hyperparams=True, conv=GIVEN), (256, 256))
    assert f"{SCOPE}Conv2d_0/BatchNorm/gamma" in weights.shapes


@pytest.mark.parametrize(("size", "multiple"), [((300, 256), 1), ((200, 200), 256)])
def test_the_embedded_one_refuses_other_sizes_and_padding(size, multiple):
    with pytest.raises(InputError, match="line 7: want images of 256 x 256 pixels and pad_to_multiple: 1"):
        build(embedded(line=7, pad_to_multiple=multiple), size)
