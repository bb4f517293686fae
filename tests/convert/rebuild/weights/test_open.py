"""Checkpoints of all kinds, whole and damaged."""

from __future__ import annotations

import numpy as np
import pytest

from detlite.convert.rebuild.weights.open import checkpoint_files, open_checkpoint, prefix_of
from detlite.runtime.errors import InputError

KERNEL = "FeatureExtractor/MobilenetV1/Conv2d_0/weights"
SHAPE = (1, 1, 2, 3)
VALUES = np.arange(6, dtype=np.float32).reshape(SHAPE)


@pytest.mark.parametrize("kind", ["v2", "v1"])
def test_a_named_variable_is_read_by_its_name(kinds, kind):
    np.testing.assert_array_equal(open_checkpoint(kinds / kind).take(KERNEL, SHAPE), VALUES)


@pytest.mark.parametrize("kind", ["v2", "v1"])
def test_its_moving_average_is_read_where_the_config_asks_for_it(kinds, kind):
    weights = open_checkpoint(kinds / kind, use_moving_averages=True)
    np.testing.assert_array_equal(weights.take(KERNEL, SHAPE), VALUES + 100)


def test_a_variable_without_a_moving_average_is_read_itself(kinds):
    weights = open_checkpoint(kinds / "v2", use_moving_averages=True)
    np.testing.assert_array_equal(weights.take("BoxPredictor_0/ClassPredictor/biases", (9,)), np.ones(9))


@pytest.mark.parametrize(
    "path",
    [
        "model/_feature_extractor/first/kernel",
        "_feature_extractor/first/kernel",
        "_feature_extractor/layers/0/kernel",
        "model/_feature_extractor/layers/0/kernel",
    ],
)
def test_a_variable_of_an_object_is_found_by_every_path_to_it(kinds, path):
    np.testing.assert_array_equal(open_checkpoint(kinds / "objects").take(path, SHAPE), VALUES)


def test_a_slash_in_an_attributes_name_is_written_as_in_the_keys(kinds):
    assert open_checkpoint(kinds / "objects").shape_of("box/a.Sb/bias") == (2,)


def test_the_first_of_several_names_that_is_there_is_taken(kinds):
    names = ("nowhere", "_feature_extractor/first/kernel")
    np.testing.assert_array_equal(open_checkpoint(kinds / "objects").take(names, SHAPE), VALUES)


def test_asking_whether_a_variable_is_there_does_not_use_it(kinds):
    weights = open_checkpoint(kinds / "v2")
    assert weights.has(KERNEL)
    assert KERNEL in weights.finish().layers


def test_unused_variables_are_sorted_by_purpose(kinds):
    weights = open_checkpoint(kinds / "v2")
    weights.take(KERNEL, SHAPE)
    unused = weights.finish()
    assert unused.optimizer == (f"{KERNEL}/Momentum",)
    assert unused.moving_averages == (f"{KERNEL}/ExponentialMovingAverage",)
    assert unused.counters == ("global_step",)
    assert unused.layers == ("BoxPredictor_0/BoxEncodingPredictor/biases", "BoxPredictor_0/ClassPredictor/biases")


def test_variables_of_tf2_optimizers_do_not_count_as_layers(kinds):
    weights = open_checkpoint(kinds / "objects")
    weights.take("_feature_extractor/first/kernel", SHAPE)
    assert weights.finish().layers == ("model/box/a.Sb/bias",)


def test_a_missing_variable_is_named_with_its_shape(kinds):
    weights = open_checkpoint(kinds / "v2")
    assert weights.take("FeatureExtractor/MobilenetV1/Conv2d_1/weights", (3, 3)).tolist() == [[0.0] * 3] * 3
    with pytest.raises(
        InputError,
        match=r"does not fit pipeline.config: 1 of 1 variable is missing: want \S+/Conv2d_1/weights \(3, 3\), got no",
    ):
        weights.finish()


def test_another_class_count_is_stated_in_columns(kinds):
    weights = open_checkpoint(kinds / "v2")
    weights.take("BoxPredictor_0/ClassPredictor/biases", (273,))
    with pytest.raises(InputError, match="class scores have 3 columns; num_classes in the config requires 91"):
        weights.finish()


def test_another_backbone_is_named(kinds):
    weights = open_checkpoint(kinds / "v2")
    weights.take("FeatureExtractor/MobilenetV2/Conv/weights", (3, 3, 3, 32))
    with pytest.raises(InputError, match="was trained with MobilenetV1; the config asks for MobilenetV2"):
        weights.finish()


def test_another_width_is_stated_in_channels(kinds):
    weights = open_checkpoint(kinds / "v2")
    weights.take(KERNEL, (1, 1, 2, 6))
    with pytest.raises(InputError, match=r"3 channels instead of 6: another depth_multiplier\?"):
        weights.finish()


def test_a_tf2_checkpoint_for_a_tf1_config_is_named_as_the_reason(kinds):
    weights = open_checkpoint(kinds / "objects")
    weights.take(KERNEL, SHAPE)
    with pytest.raises(InputError, match="the checkpoint is from TF2"):
        weights.finish()


def test_a_tf1_checkpoint_for_a_tf2_config_is_named_as_the_reason(kinds):
    weights = open_checkpoint(kinds / "v2")
    weights.take("_feature_extractor/classification_backbone/layer_with_weights-0/kernel", SHAPE)
    with pytest.raises(InputError, match="the checkpoint is from TF1"):
        weights.finish()


def test_weights_that_are_not_finite_are_refused(kinds):
    with pytest.raises(InputError, match="2 of 3 values of w are NaN or infinite"):
        open_checkpoint(kinds / "nan").take("w", (3,))


def test_an_integer_variable_is_refused(kinds):
    with pytest.raises(InputError, match="global_step has the dtype int64; want one of float32"):
        open_checkpoint(kinds / "v2").take("global_step", ())


@pytest.mark.parametrize("suffix", ["", ".index", ".data-00000-of-00001", ".meta"])
def test_any_file_of_a_checkpoint_names_it(checkpoint, suffix):
    prefix = checkpoint("v2")
    assert prefix_of(prefix.with_name(prefix.name + suffix)) == prefix


def test_a_folder_with_one_checkpoint_names_it(checkpoint):
    prefix = checkpoint("v2")
    assert prefix_of(prefix.parent) == prefix


def test_the_state_file_of_a_folder_says_which_is_the_newest(checkpoint):
    newest = checkpoint("v2")
    checkpoint("objects")
    (newest.parent / "checkpoint").write_text('model_checkpoint_path: "/home/somebody/train/v2"\n')
    assert prefix_of(newest.parent) == newest


def test_one_of_several_checkpoints_is_not_guessed(checkpoint):
    folder = checkpoint("v2").parent
    checkpoint("objects")
    with pytest.raises(InputError, match=r"holds 2 checkpoints \(objects, v2\): choose one"):
        prefix_of(folder)


def test_the_error_of_a_missing_prefix_lists_the_others_in_its_folder(checkpoint):
    prefix = checkpoint("v2")
    with pytest.raises(InputError, match="no checkpoint .*model.ckpt-1: the folder holds v2"):
        open_checkpoint(prefix.with_name("model.ckpt-1"))


def test_data_without_an_index_is_reported(checkpoint):
    prefix = checkpoint("v2")
    prefix.with_name("v2.index").unlink()
    with pytest.raises(InputError, match=r"its data exists, but its index v2.index is missing"):
        open_checkpoint(prefix)


def test_an_index_without_data_is_reported(checkpoint):
    prefix = checkpoint("v2")
    prefix.with_name("v2.data-00000-of-00001").unlink()
    with pytest.raises(InputError, match="has an index but no data"):
        open_checkpoint(prefix)


def test_a_missing_shard_is_named(checkpoint):
    prefix = checkpoint("v2")
    prefix.with_name("v2.data-00000-of-00001").rename(prefix.with_name("v2.data-00001-of-00002"))
    with pytest.raises(InputError, match="has 2 data shards, but v2.data-00000-of-00002 is missing"):
        checkpoint_files(prefix)


def test_the_files_of_a_checkpoint_begin_with_its_index(checkpoint):
    assert [path.name for path in checkpoint_files(checkpoint("v2"))] == ["v2.index", "v2.data-00000-of-00001"]
    assert [path.name for path in checkpoint_files(checkpoint("v1"))] == ["v1"]


def take_all(prefix):
    weights = open_checkpoint(prefix)
    for name in ("BoxPredictor_0/ClassPredictor/biases", KERNEL, "box/a.Sb/bias", "_feature_extractor/first/kernel"):
        if weights.has(name):
            weights.take(name, weights.shape_of(name))


@pytest.mark.parametrize("kind", ["v2", "objects"])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.3])
@pytest.mark.parametrize("suffix", [".index", ".data-00000-of-00001"])
def test_a_file_that_is_cut_short_is_a_one_line_error(checkpoint, kind, share, suffix):
    prefix = checkpoint(kind)
    file = prefix.with_name(kind + suffix)
    file.write_bytes(file.read_bytes()[: int(share * file.stat().st_size)])
    with pytest.raises(InputError, match=r"damaged or cut short|NaN or infinite"):
        take_all(prefix)


@pytest.mark.parametrize("content", [b"", b"\0" * 100, b"not a checkpoint at all" * 20])
def test_a_file_that_is_not_a_checkpoint_is_a_one_line_error(tmp_path, content):
    (tmp_path / "model.ckpt").write_bytes(content)
    with pytest.raises(InputError, match="model.ckpt is damaged or cut short|holds no variables"):
        open_checkpoint(tmp_path / "model.ckpt")
