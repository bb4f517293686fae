"""From a float model of video and videos to a model of integers with its contract."""

from dataclasses import replace

import numpy as np
import pytest
from builders.conv_streams import conv_stream
from builders.tiny_videos import write_scenes

from detlite.calibration.network import Network
from detlite.calibration.quantize import quantize
from detlite.calibration.recipe import Recipe
from detlite.calibration.video.footage import Footage
from detlite.convert.model import session_of


@pytest.fixture(scope="module")
def footage(tmp_path_factory):
    return Footage(
        (write_scenes(tmp_path_factory.mktemp("videos") / "two.mkv", 0, 200, each=30),), 18, origin="two.mkv"
    )


@pytest.fixture(scope="module")
def found(footage):
    return quantize(conv_stream(), footage, Recipe())


def test_the_contract_has_the_states_as_they_are_stored(found):
    stored = [(one.name, one.dtype, one.quantization is None) for one in found.model.contract.inputs[1:]]
    assert stored == [("buffer", "int8", False), ("mean", "float32", True), ("count", "float32", True)]


def test_the_history_says_what_it_was_calibrated_and_judged_with(found):
    (*_before, step) = found.model.history
    assert (step["image_count"], step["videos"], step["images"]) == (18, 1, "two.mkv")
    assert step["states_in_float"] == 4
    assert [one["frame"] for one in step["error_by_frame"]] == [1, 20, 30]


def test_its_session_keeps_near_the_float_one(found):
    frames = np.random.default_rng(5).integers(0, 256, (30, 16, 16, 3), np.uint8)
    float_model, int8 = (session_of(one) for one in (conv_stream(), found.model))
    for frame in frames:
        want, got = float_model.step(frame), int8.step(frame)
        assert np.abs(want.scores - got.scores).max() < 0.1


def test_the_same_videos_give_the_same_bytes(found, footage):
    again = quantize(conv_stream(), footage, Recipe())
    assert again.model.data == found.model.data


def test_another_seed_gives_other_ranges(found, footage):
    other = quantize(conv_stream(), replace(footage, seed=1), Recipe())
    assert other.ranges.tensors != found.ranges.tensors


@pytest.mark.parametrize("io", ["uint8", "float32"])
def test_states_stay_as_they_are_whatever_the_image_is(footage, io):
    made = quantize(conv_stream(), footage, Recipe(io=io)).model
    assert made.contract.image.dtype == io
    assert [one.dtype for one in made.contract.inputs[1:]] == ["int8", "float32", "float32"]


def test_a_scheme_for_tensorrt_leaves_all_states_float(footage):
    made = quantize(conv_stream(), footage, Recipe(scheme="int8-float-bias")).model
    assert {one.dtype for one in made.contract.inputs} == {"float32"}


def test_what_a_stream_is_compared_with_has_its_scaled_channels(footage):
    uneven = conv_stream(spread=(1.0, 2.0, 3.0, 1000.0))
    found = quantize(uneven, footage, Recipe())
    kinds = [operator.kind for operator in Network(found.reference.file).operators]
    assert kinds.count("DEPTHWISE_CONV_2D") == 2
    assert found.model.history[-1]["input_sha256"] == uneven.sha256
    frame = np.random.default_rng(5).integers(0, 256, (16, 16, 3), np.uint8)
    want, got = (session_of(one).step(frame) for one in (uneven, found.reference))
    np.testing.assert_array_equal(got.logits, want.logits)


def test_a_scheme_with_float_states_scales_no_channels(footage):
    uneven = conv_stream(spread=(1.0, 2.0, 3.0, 1000.0))
    found = quantize(uneven, footage, Recipe(scheme="int8-float-bias"))
    assert [one.kind for one in Network(found.reference.file).operators].count("DEPTHWISE_CONV_2D") == 1


def test_the_ranges_of_a_stream_with_scaled_channels_give_the_same_bytes_again(footage):
    uneven = conv_stream(spread=(1.0, 2.0, 3.0, 1000.0))
    found = quantize(uneven, footage, Recipe())
    assert quantize(uneven, footage, Recipe(), ranges=found.ranges).model.data == found.model.data
