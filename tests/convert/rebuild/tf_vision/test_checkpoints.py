"""A trainer's checkpoint with moving averages: which of its two sets of weights is read."""

import shutil

import numpy as np
import pytest
from builders.tf_vision_models import GOLDENS

from detlite.convert.rebuild.weights.open import open_checkpoint, open_tf_vision
from detlite.runtime.errors import InputError

pytestmark = pytest.mark.data

STEM = ("layer_with_weights-0/layer_with_weights-0/kernel", (3, 3, 3, 8))
SLOT = "backbone/layer_with_weights-0/kernel/.OPTIMIZER_SLOT/optimizer/average"


@pytest.fixture(scope="module")
def trained(shared_data):
    return GOLDENS / "trainer_sample_resnet10_ema" / "ckpt-0"


@pytest.fixture(scope="module")
def best(trained, tmp_path_factory):
    """The same files under the name of a best checkpoint, in which averages and weights have changed places."""
    folder = tmp_path_factory.mktemp("best_ckpt")
    for file in trained.parent.glob("ckpt-0.*"):
        shutil.copy(file, folder / f"best_{file.name}")
    return folder / "best_ckpt-0"


def stem(prefix, which):
    weights, averages = open_tf_vision(prefix, which)
    return weights.take(*STEM), averages


def stored(prefix, name):
    return open_checkpoint(prefix).take(name, STEM[1])


def test_the_backbone_of_a_trainers_checkpoint_is_found_by_its_path_in_the_model(trained):
    assert np.array_equal(stem(trained, "raw")[0], stored(trained, "backbone/layer_with_weights-0/kernel"))


def test_averages_are_read_by_default(trained):
    values, averages = stem(trained, None)
    assert averages is True
    assert np.array_equal(values, stored(trained, SLOT))


def test_a_best_checkpoint_has_its_averages_in_the_place_of_the_weights(best):
    values, averages = stem(best, "averaged")
    assert averages is True
    assert np.array_equal(values, stored(best, "backbone/layer_with_weights-0/kernel"))
    assert np.array_equal(stem(best, "raw")[0], stored(best, SLOT))


def test_averages_are_not_asked_of_a_checkpoint_without_them(tmp_path):
    from builders.golden_models import write_object_checkpoint

    write_object_checkpoint(tmp_path / "ckpt-1", {"model/layer_with_weights-1/bias": np.zeros(3, np.float32)})
    assert open_tf_vision(tmp_path / "ckpt-1", None)[1] is None
    with pytest.raises(
        InputError, match=r"ckpt-1 has one set of weights, and no moving averages .*leave out --weights"
    ):
        open_tf_vision(tmp_path / "ckpt-1", "averaged")
