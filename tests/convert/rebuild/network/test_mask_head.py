"""The mask head of a two-stage detector: its depth, and where its checkpoints hold it."""

import pytest

from detlite.convert.rebuild.network.mask_head import chosen_depth
from detlite.convert.rebuild.network.two_stage_names import TF1_NAMES, TF2_NAMES


@pytest.mark.parametrize(("channels", "classes", "depth"), [(2048, 90, 256), (1536, 90, 256), (1024, 1, 16)])
def test_the_depth_that_the_config_leaves_open_is_a_mean_of_channels_and_classes(channels, classes, depth):
    assert chosen_depth(channels, classes) == depth


def test_the_layers_are_numbered_in_both_kinds_of_checkpoint():
    slim = [TF1_NAMES.mask_layer(number, after_resize=False) for number in range(3)]
    assert slim == ["SecondStageBoxPredictor/Conv", "SecondStageBoxPredictor/Conv_1", "SecondStageBoxPredictor/Conv_2"]
    keras = [TF2_NAMES.mask_layer(number, after_resize=False).rsplit("/", 1)[1] for number in range(4)]
    assert keras == ["0", "3", "6", "9"]
    assert TF2_NAMES.mask_layer(1, after_resize=True).endswith("/4")
