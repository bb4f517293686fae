"""Trained ranges: their grids, which are those of TensorFlow's operator, and where a checkpoint has them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detlite.convert.graph.trained_ranges import RESIDUAL, SUM, WEIGHTS, Grid, grid_of, range_names
from detlite.convert.rebuild.network.blocks import Blocks, NormActivation
from detlite.convert.rebuild.network.graph import GraphBuilder
from detlite.convert.rebuild.network.wrapped_ranges import WrappedRangeBuilder
from detlite.convert.rebuild.weights.stored import Checkpoint, NamedWeights, Variable
from detlite.runtime.errors import InputError


def test_a_range_from_0_to_6_steps_by_6_of_255():
    assert grid_of(0.0, 6.0) == Grid(float(np.float32(6 / 255)), 0, 0)


def test_a_range_is_shifted_until_0_is_on_its_grid():
    grid = grid_of(-1.0, 3.0)
    assert (grid.zero, grid.low, grid.high) == (64, pytest.approx(-64 * 4 / 255), pytest.approx(191 * 4 / 255))


def test_weights_keep_off_the_lowest_of_their_256_values():
    grid = grid_of(-1.27, 1.27, narrow=True)
    assert (grid.lowest, grid.zero, grid.scale) == (1, 128, pytest.approx(0.01))


@given(st.floats(-50, 0, width=32), st.floats(0.015625, 50, width=32), st.booleans())
def test_a_grid_holds_0_and_ends_within_half_a_step_of_its_range(low, high, narrow):
    grid = grid_of(low, high, narrow=narrow)
    assert grid.lowest <= grid.zero <= 255
    assert abs(grid.low - low) <= 0.501 * grid.scale
    assert abs(grid.high - high) <= 0.501 * grid.scale


def test_the_grid_is_that_of_the_operator_of_tensorflow():
    import tensorflow as tf

    for low, high, narrow in ((-0.73, 1.19, True), (-1.0, 1.0, False), (0.0, 4.37, False)):
        ends = np.float32([-100, 100])
        want = tf.quantization.fake_quant_with_min_max_vars(ends, low, high, 8, narrow_range=narrow)
        grid = grid_of(low, high, narrow=narrow)
        np.testing.assert_allclose((grid.low, grid.high), want, rtol=1e-6)


def test_the_ranges_of_mobilenet_v1_stand_in_a_doubled_scope():
    places = range_names("FeatureExtractor/MobilenetV1/Conv2d_0", WEIGHTS)
    assert "FeatureExtractor/MobilenetV1/MobilenetV1/Conv2d_0/weights_quant" in places


def test_the_ranges_of_a_pyramid_stand_under_top_down():
    places = range_names("FeatureExtractor/MobilenetV2/fpn/projection_3", WEIGHTS)
    assert "FeatureExtractor/MobilenetV2/fpn/top_down/projection_3/weights_quant" in places


def test_a_sum_may_be_called_as_before_tensorflow_1_15():
    assert range_names("net/add", SUM) == ("net/add/activation_AddV2_quant", "net/add/activation_Add_quant")


def weights_of(tmp_path, **values):
    named = {name.replace("__", "/"): np.float32(value) for name, value in values.items()}
    variables = {name: Variable((), "float32") for name in named}
    return NamedWeights(Checkpoint(tmp_path / "model.ckpt", variables, lambda key: named[key]))


def test_a_range_that_the_checkpoint_lacks_is_reported_by_name(tmp_path):
    weights = weights_of(tmp_path, block__post_activation_bypass_quant__min=-1)
    with GraphBuilder(weights, (8, 8, 3), quantized=True) as net:
        net.add(net.image, net.image, "block")
    with pytest.raises(InputError, match=r"1 of 2 variables is missing: want block/post_activation_bypass_quant/max"):
        weights.finish()


def test_a_float_network_asks_for_no_ranges(tmp_path):
    weights = weights_of(tmp_path)
    with GraphBuilder(weights, (8, 8, 3)) as net:
        net.add(net.image, net.image, "block")
    assert weights.finish().ranges == ()


def test_a_range_whose_low_is_over_its_high_is_refused(tmp_path):
    values = {f"block__{RESIDUAL}__min": 2, f"block__{RESIDUAL}__max": 1}
    with (
        GraphBuilder(weights_of(tmp_path, **values), (8, 8, 3), quantized=True) as net,
        pytest.raises(InputError, match=r"the trained range block/post_activation_bypass_quant is from 2 to 1"),
    ):
        net.add(net.image, net.image, "block")


def test_hard_swish_of_quantization_aware_training_is_refused(tmp_path):
    with (
        GraphBuilder(weights_of(tmp_path), (8, 8, 3), quantized=True) as net,
        pytest.raises(InputError, match=r"cannot keep the trained ranges of the HARD_SWISH at some/Conv"),
    ):
        net.activate(net.image, "HARD_SWISH", "some/Conv")


def rounding(net):
    """The ends of the first range in the graph of *net*."""
    nodes = {node.name: node for node in net.graph_def.node}
    found = next(node for node in net.graph_def.node if node.op == "FakeQuantWithMinMaxVars")
    return tuple(nodes[name].attr["value"].tensor.float_val[0] for name in found.input[1:])


def test_a_bottleneck_with_two_ranges_is_rounded_once_to_what_they_share(tmp_path):
    values = {"a__b___activation3__output_min": 0, "a__b___activation3__output_max": 5}
    values |= {"a__b__output_min": 0, "a__b__output_max": 4}
    with WrappedRangeBuilder(weights_of(tmp_path, **values), (8, 8, 3)) as net:
        net.ranged(net.image, "a/b")
        assert rounding(net) == (0, 4)


@pytest.mark.parametrize("activation", ["RELU_6", "SWISH"])
def test_what_an_activation_takes_is_rounded_to_the_range_of_its_batch_norm(tmp_path, activation):
    values = {"a___norm0__output_min": -3, "a___norm0__output_max": 2}
    with WrappedRangeBuilder(weights_of(tmp_path, **values), (8, 8, 3)) as net:
        net.normed(net.image, activation, "a/_norm0")
        assert rounding(net) == (-3, 2)


def test_a_swish_without_a_range_before_it_is_refused(tmp_path):
    with (
        WrappedRangeBuilder(weights_of(tmp_path), (8, 8, 3)) as net,
        pytest.raises(
            InputError, match=r"the checkpoint has no range for what SWISH takes at a/_norm1, as none in bot"
        ),
    ):
        net.normed(net.image, "SWISH", "a/_norm1")


@pytest.mark.parametrize(("wrapped", "slope"), [(False, 0.16667), (True, 1.6667)])
def test_gates_have_the_slope_that_they_were_trained_with(tmp_path, wrapped, slope):
    values = {
        f"se___se_{part}__kernel": np.ones((1, 1, 3 if part == "reduce" else 1, 1 if part == "reduce" else 3))
        for part in ("reduce", "expand")
    }
    values |= {"se___se_reduce__bias": np.zeros(1), "se___se_expand__bias": np.zeros(3)}
    named = {name.replace("__", "/"): np.float32(value) for name, value in values.items()}
    checkpoint = Checkpoint(
        tmp_path, {k: Variable(v.shape, "float32") for k, v in named.items()}, lambda key: named[key]
    )
    with GraphBuilder(NamedWeights(checkpoint), (8, 8, 3), wrapped=wrapped) as net:
        Blocks(net, NormActivation("RELU", 1e-3)).excited(net.image, "se", 1, gate="HARD_SIGMOID")
        found = [
            n.attr["value"].tensor.float_val[0]
            for n in net.graph_def.node
            if n.op == "Const" and n.attr["value"].tensor.float_val
        ]
    assert np.isclose(found, slope).any()
