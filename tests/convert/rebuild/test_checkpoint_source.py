"""Where a checkpoint and its config are found, and how they are named on the command line."""

from __future__ import annotations

import pytest

from detlite.commands.rebuilding import NAMES, take_given
from detlite.convert.rebuild.checkpoint_source import find_checkpoint
from detlite.convert.requests import Given
from detlite.convert.source import CHECKPOINT, recognize
from detlite.runtime.errors import InputError


def folder_with(path, *names):
    for name in names:
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text("x")
    return path


def values(**given):
    return {**dict.fromkeys(NAMES), **given}


def test_a_tf1_archive_has_its_checkpoint_beside_the_config(tmp_path):
    folder_with(tmp_path, "pipeline.config", "model.ckpt.index", "model.ckpt.data-00000-of-00001")
    assert find_checkpoint(tmp_path).checkpoint == tmp_path / "model.ckpt"


def test_a_tf2_archive_has_its_checkpoint_in_a_folder_of_its_own(tmp_path):
    folder_with(tmp_path, "pipeline.config", "checkpoint/ckpt-0.index", "checkpoint/ckpt-0.data-00000-of-00001")
    assert find_checkpoint(tmp_path).checkpoint == tmp_path / "checkpoint" / "ckpt-0"


def test_the_weights_in_a_saved_model_of_tf_vision_are_a_checkpoint_where_there_is_no_other(tmp_path):
    names = ("params.yaml", "saved_model/saved_model.pb", "saved_model/variables/variables.index")
    folder_with(tmp_path, *names)
    assert find_checkpoint(tmp_path).checkpoint == tmp_path / "saved_model" / "variables" / "variables"
    assert find_checkpoint(tmp_path / "saved_model").config == tmp_path / "params.yaml"
    folder_with(tmp_path, "checkpoint/ckpt-1.index")
    assert find_checkpoint(tmp_path).checkpoint == tmp_path / "checkpoint" / "ckpt-1"


def test_a_checkpoint_without_a_config_is_none(tmp_path):
    assert find_checkpoint(folder_with(tmp_path, "model.ckpt.index")) is None


def test_a_config_without_a_checkpoint_is_none(tmp_path):
    assert find_checkpoint(folder_with(tmp_path, "pipeline.config")) is None


def test_of_several_checkpoints_none_is_guessed(tmp_path):
    folder_with(tmp_path, "pipeline.config", "model.ckpt-1.index", "model.ckpt-2.index")
    with pytest.raises(InputError, match=r"holds 2 checkpoints \(model.ckpt-1, model.ckpt-2\): choose one"):
        find_checkpoint(tmp_path)


def test_a_folder_with_both_is_its_exported_graph_unless_the_checkpoint_is_asked_for(tmp_path):
    names = ("pipeline.config", "model.ckpt.index", "model.ckpt.data-00000-of-00001", "frozen_inference_graph.pb")
    folder_with(tmp_path, *names)
    assert recognize(tmp_path).format == "frozen_graph"
    assert recognize(tmp_path, rebuild=True).format == CHECKPOINT


def test_a_checkpoint_is_found_one_folder_further_in(tmp_path):
    names = ("pipeline.config", "model.ckpt.index", "model.ckpt.data-00000-of-00001")
    folder_with(tmp_path / "ssd_mobilenet_v1_coco_2018_01_28", *names)
    assert recognize(tmp_path, rebuild=True).path.name == "model.ckpt"


def test_a_folder_without_a_checkpoint_cannot_be_rebuilt(tmp_path):
    folder_with(tmp_path, "frozen_inference_graph.pb")
    with pytest.raises(InputError, match="has no pipeline.config or params.yaml with a checkpoint"):
        recognize(tmp_path, rebuild=True)


def test_the_digest_of_a_checkpoint_changes_with_its_config(tmp_path):
    folder_with(tmp_path, "pipeline.config", "model.ckpt.index", "model.ckpt.data-00000-of-00001")
    before = recognize(tmp_path).sha256
    (tmp_path / "pipeline.config").write_text("y")
    assert recognize(tmp_path).sha256 != before


@pytest.mark.parametrize(
    ("source", "given", "message"),
    [
        (None, {}, "give one of: SOURCE, --config with --checkpoint, or --family"),
        ("a.pb", {"family": "x", "seed": 0}, "give one of"),
        (None, {"config": "p"}, "--config needs --checkpoint"),
        (None, {"checkpoint": "p"}, "--checkpoint needs --config"),
        (None, {"family": "ssdlite_mobilenet_v2"}, "has no weights: give --random-weights SEED"),
        ("a.pb", {"classes": 3}, "--classes and --random-weights need --family"),
        (None, {"family": "x", "seed": 0, "way": "graph"}, "--from needs SOURCE"),
    ],
)
def test_half_a_source_is_refused(source, given, message):
    with pytest.raises(InputError, match=message):
        take_given(source, values(**given))


def test_a_config_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"nowhere.config is not a file; give a pipeline.config"):
        take_given(None, values(config=tmp_path / "nowhere.config", checkpoint=tmp_path / "model.ckpt"))


def test_a_preset_says_its_name_its_seed_and_its_classes():
    given = take_given(None, values(family="ssdlite_mobilenet_v2", seed=3, classes=2))
    assert given == Given(preset="ssdlite_mobilenet_v2", seed=3, classes=2)
