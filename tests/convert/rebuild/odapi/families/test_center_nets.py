"""CenterNets with an hourglass or a ResNet V2: numbers, names of variables, and what Keras computes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from builders.asked_weights import AskedWeights
from builders.built_network import operators

from detlite.convert.graph.runner import import_graph
from detlite.convert.graph.trim import INPUT
from detlite.convert.rebuild.architecture import RebuildPlan, architecture_of
from detlite.convert.rebuild.center_net_config import CenterNet
from detlite.convert.rebuild.network.built_network import CLASS_LOGITS, BuiltNetwork
from detlite.convert.rebuild.network.center_net import BASE, HEADS, PYRAMID, build_center_net
from detlite.convert.rebuild.network.graph import GraphBuilder
from detlite.convert.rebuild.network.hourglass import hourglass_shape
from detlite.convert.rebuild.network.keras_resnet_v2 import ResNetV2Map
from detlite.convert.rebuild.odapi.family import family_of_center_net, preset
from detlite.convert.rebuild.weights.random import RandomWeights
from detlite.convert.tensorflow import load_tensorflow
from detlite.runtime.errors import InputError

NETWORK = "model/_feature_extractor/_network/"


def config(kind: str, **fields: Any) -> CenterNet:
    model = preset("centernet_hourglass_104")
    assert isinstance(model, CenterNet)
    return replace(model, type=kind, classes=1, **fields)


def build(kind: str, side: int, **fields: Any) -> tuple[BuiltNetwork, AskedWeights]:
    model, weights = config(kind, **fields), AskedWeights()
    return build_center_net(model, family_of_center_net(kind, 0, "a test")[1], weights, (side, side)), weights


def test_a_small_hourglass_is_convolutions_and_native_resizing():
    built, _ = build("hourglass_10", 16)
    assert operators(built) == {
        "ADD": 6,
        "CONCATENATION": 1,
        "CONV_2D": 20,
        "LOGISTIC": 1,
        "PAD": 3,
        "RESHAPE": 2,
        "RESIZE_NEAREST_NEIGHBOR": 1,
    }


def test_the_hourglass_in_an_hourglass_skips_where_channels_change():
    _, weights = build("hourglass_20", 16)
    names = weights.asked(f"{NETWORK}hourglass_network/0/")
    assert "encoder_block2/0/skip/conv/kernel" in names
    assert "inner_block/0/decoder_block/1/skip/conv/kernel" in names
    assert "decoder_block/0/skip/conv/kernel" not in names
    assert weights.shapes[f"{NETWORK}hourglass_network/0/inner_block/0/inner_block/1/conv/kernel"] == (3, 3, 144, 144)


@pytest.mark.parametrize(("depth", "multiple"), [(10, 8), (20, 16), (32, 32), (52, 128), (100, 128), (104, 128)])
def test_an_image_has_sides_that_every_halving_divides(depth, multiple):
    assert hourglass_shape(depth, 64).multiple == multiple


def test_an_image_that_an_hourglass_cannot_halve_is_refused():
    plan = RebuildPlan(config("hourglass_104"), "p.config")
    with pytest.raises(InputError, match="320 x 320 pixels; hourglass_104 needs colour images .* multiples of 128"):
        architecture_of(plan.model).build(plan, RandomWeights(0), (320, 320))


def test_the_heads_of_the_last_of_two_maps_count():
    class Empty(AskedWeights):
        def shape_of(self, name: Any) -> tuple[int, ...] | None:
            return (1,) if "/0/layer_with_weights-0/kernel" in name else None

    weights = Empty()
    extractor = replace(family_of_center_net("hourglass_10", 0, "a test")[1], stages=2)
    build_center_net(config("hourglass_10"), extractor, weights, (16, 16))
    assert weights.shapes[f"{HEADS}/object_center/1/layer_with_weights-0/kernel"] == (3, 3, 64, 256)
    assert weights.shapes[f"{HEADS}/object_center/0/layer_with_weights-0/kernel"] == (1,)


def test_a_map_of_two_hourglasses_has_the_originals_numbers():
    _title, extractor = family_of_center_net("hourglass_104", 0, "a test")
    assert (extractor.stages, extractor.multiple) == (2, 128)
    assert extractor.normalization(config("hourglass_104")) == (
        "BGR",
        (104.01362, 114.034225, 119.916595),
        (73.60277, 69.89082, 70.91508),
    )


@pytest.mark.slow
def test_resnet_v2_computes_what_keras_computes():
    with GraphBuilder(RandomWeights(3), (64, 64, 3)) as net:
        net.identity(ResNetV2Map(50).build(net, net.image, config("resnet_v2_50")), CLASS_LOGITS)
    image = np.random.default_rng(0).uniform(-1, 1, (1, 64, 64, 3)).astype(np.float32)
    keras = keras_map(RandomWeights(3))
    wanted = keras(image).numpy()
    found = run(net.graph_def, image)
    assert found.shape == wanted.shape == (1, 16, 16, 64)
    np.testing.assert_allclose(found, wanted, atol=1e-4 * np.abs(wanted).max())
    assert net.parameters == sum(int(np.prod(variable.shape)) for variable in keras.trainable_weights)


def keras_map(weights: RandomWeights) -> Any:
    """Keras' ResNet50V2 and the layers that CenterNet puts on it, with *weights*."""
    keras = load_tensorflow().keras
    base = keras.applications.ResNet50V2(weights=None, include_top=False, input_shape=(64, 64, 3))
    x, added = base.get_layer("conv5_block3_out").output, []
    for depth in (256, 128, 64):
        for layer in (keras.layers.Conv2D(depth, 3, padding="same"), keras.layers.Conv2DTranspose(depth, 3, 2, "same")):
            added += [layer, keras.layers.BatchNormalization()]
            x = keras.layers.ReLU()(added[-1](layer(x)))
    fill([layer for layer in base.layers if layer.weights], BASE, 0, weights)
    fill(added, PYRAMID, 1, weights)
    return keras.Model(base.input, x)


def fill(layers: list[Any], path: str, first: int, weights: RandomWeights) -> None:
    for number, layer in enumerate(layers, first):
        names = (variable.name.rsplit("/", 1)[-1].split(":")[0] for variable in layer.weights)
        shapes = [tuple(variable.shape) for variable in layer.weights]
        layer.set_weights(
            [
                weights.take(f"{path}/layer_with_weights-{number}/{name}", shape)
                for name, shape in zip(names, shapes, strict=True)
            ]
        )


def run(graph_def: Any, image: Any) -> Any:
    tf = load_tensorflow()
    with tf.Graph().as_default() as graph, tf.compat.v1.Session() as session:
        import_graph(graph_def)
        return session.run(graph.get_tensor_by_name(f"{CLASS_LOGITS}:0"), {f"{INPUT}:0": image})
