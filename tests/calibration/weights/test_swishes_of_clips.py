"""Channels of a model of clips scaled to one range: the float model computes the same bits, int8 has less error."""

from dataclasses import replace

import numpy as np
import pytest
from builders.tiny_clips import FRAMES, SIDE, swish_clips
from builders.tiny_videos import write_scenes

from detlite.calibration.models import FloatModel, separate
from detlite.calibration.network import Network
from detlite.calibration.quantize import quantize
from detlite.calibration.recipe import Recipe
from detlite.calibration.video.footage import Footage
from detlite.calibration.weights.method import METHODS
from detlite.calibration.weights.swish_scales import with_scaled_swishes
from detlite.runtime.plugins import load_plugin

SPREAD = (1.0, 2.0, 3.0, 300.0)


def clips(seed, count=12):
    chance = np.random.default_rng(seed)
    return [chance.uniform(-1, 1, (1, FRAMES, SIDE, SIDE, 3)).astype(np.float32) for _ in range(count)]


def scaled(model):
    return replace(model, data=with_scaled_swishes(model.file, (), lambda: separate(clips(1))).data)


def scores(file, count=12):
    """The scores of *file* for *count* clips, dequantized."""
    opened, found = file.interpreter(), []
    feed, end = opened.inputs[0], opened.outputs[0]
    for clip in clips(2, count):
        values = clip
        if feed["dtype"] == np.int8:
            scale, zero = feed["quantization"]
            values = np.clip(np.rint(clip / scale) + zero, -128, 127).astype(np.int8)
        opened.set_input(feed["index"], values)
        opened.invoke()
        value = opened.output(end["index"]).astype(np.float64)
        scale, zero = end["quantization"]
        found.append((value - zero) * scale if scale else value)
    return np.stack(found)


def operators(model):
    return Network(model.file).operators


@pytest.fixture(scope="module")
def uneven():
    return swish_clips(SPREAD)


@pytest.fixture(scope="module")
def even(uneven):
    return scaled(uneven)


def test_a_scaled_model_of_clips_computes_the_same_bits(uneven, even):
    np.testing.assert_array_equal(scores(even.file), scores(uneven.file))


def test_one_convolution_of_one_tap_in_front_of_the_sigmoid_undoes_the_scales(uneven, even):
    assert len(operators(even)) == len(operators(uneven)) + 1
    network = Network(even.file)
    last = max(place for place, one in enumerate(network.operators) if one.kind == "LOGISTIC")
    before, sigmoid = network.operators[last - 1 : last + 1]
    assert before.kind == "DEPTHWISE_CONV_2D"
    assert before.outputs == sigmoid.inputs
    factors = network.constant(before.inputs[1]).reshape(-1)
    assert factors[3] == 1
    assert (np.log2(factors) == np.rint(np.log2(factors))).all()
    assert factors[:3].max() <= 1 / 8


def test_what_the_sum_adds_to_each_channel_is_scaled_with_it(uneven, even):
    def added(model):
        network = Network(model.file)
        sums = [one for one in network.operators if one.kind == "ADD" and network.is_constant(one.inputs[1])]
        return network.constant(sums[0].inputs[1])

    factors = added(even) / added(uneven)
    assert factors[3] == 1
    assert factors[:3].min() >= 8


def test_the_int8_model_of_clips_has_less_error(uneven, even):
    def noise(model):
        given = FloatModel(model.file, model.contract.image, lambda: separate(clips(1)))
        made = load_plugin(METHODS, "second_order").quantize(given)
        return np.square(scores(made.file, 40) - scores(uneven.file, 40)).mean()

    assert noise(uneven) > 2 * noise(even)


def test_a_swish_of_the_means_has_its_scales_undone_too():
    pooled = swish_clips(SPREAD, pools_first=True)
    made = scaled(pooled)
    assert len(operators(made)) == len(operators(pooled)) + 2
    np.testing.assert_array_equal(scores(made.file), scores(pooled.file))


def test_a_sum_with_one_number_for_all_channels_is_not_scaled():
    shifted = swish_clips(SPREAD, added=[0.5])
    assert scaled(shifted).data == shifted.data


def test_a_model_of_clips_whose_channels_are_alike_stays_as_it_is():
    alike = swish_clips((1.0,) * 4)
    assert scaled(alike).data == alike.data


def test_quantize_scales_the_channels_of_a_model_of_clips_and_names_both_passes(uneven, tmp_path):
    told = []
    footage = Footage((write_scenes(tmp_path / "clips.mkv", 0, 200, each=12),), 4)
    made = quantize(uneven, footage, Recipe(), progress=lambda *said: told.append(said))
    assert len(made.model.file.subgraph.operators) == len(operators(uneven)) + 1
    names = ("scales of channels", "calibration")
    passes = [(what, done) for what, done, _total in told if what in names]
    assert passes == [(name, done) for name in names for done in range(1, len(passes) // 2 + 1)]
    assert len(passes) >= 4
