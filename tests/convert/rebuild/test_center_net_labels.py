"""The label map of a CenterNet's keypoints: where it is looked for, and what is said where it is missing."""

import re

import pytest

from detlite.convert.options import DetectorOptions
from detlite.convert.rebuild.architecture import RebuildPlan, architecture_of
from detlite.convert.rebuild.center_net_config import CenterNet, KeypointTask
from detlite.convert.rebuild.network.built_network import BuiltNetwork
from detlite.convert.rebuild.weights.random import RandomWeights
from detlite.convert.source import recognize
from detlite.runtime.errors import InputError

MAP = """item { name: "person" id: 2 keypoints { id: 0 label: "nose" } }
item { name: "car" id: 1 }
"""


def built(folder, *, label_map="", labels=None, classes=2):
    task = KeypointTask("pose", "person", label_map, line=9)
    config = CenterNet(classes, "hourglass_10", center_head_filters=(8,), center_head_kernels=(1,), keypoints=task)
    plan = RebuildPlan(config, "p.config", folder, labels)
    return architecture_of(config).build(plan, RandomWeights(0), (16, 16))


@pytest.mark.parametrize(
    ("label_map", "said"),
    [
        ("", "it names no label map"),
        ("NOWHERE", "'NOWHERE' of keypoint_label_map_path is not there"),
    ],
)
def test_keypoints_without_a_label_map_are_refused(tmp_path, label_map, said):
    wanted = f"p.config, line 9: the keypoints of pose have no names, as {said}: give the label map of the training"
    with pytest.raises(InputError, match=re.escape(wanted)):
        built(tmp_path, label_map=label_map)


def test_a_label_map_beside_the_config_is_read(tmp_path):
    (tmp_path / "map.pbtxt").write_text(MAP)
    assert built(tmp_path, label_map="map.pbtxt").parameters > 0  # without the map it is refused: see above


def test_the_users_label_map_comes_first(tmp_path):
    (tmp_path / "map.pbtxt").write_text(MAP)
    (tmp_path / "other.pbtxt").write_text(MAP.replace("id: 2", "id: 7"))
    with pytest.raises(InputError, match="other.pbtxt: person has the id 7, and p.config has 2 classes"):
        built(tmp_path, label_map="map.pbtxt", labels=tmp_path / "other.pbtxt")


def test_the_users_label_map_takes_the_place_of_one_that_is_not_there(tmp_path):
    (tmp_path / "other.pbtxt").write_text(MAP)
    assert built(tmp_path, label_map="missing.pbtxt", labels=tmp_path / "other.pbtxt").parameters > 0


def test_a_label_map_of_more_classes_is_refused(tmp_path):
    (tmp_path / "map.pbtxt").write_text(MAP)
    with pytest.raises(InputError, match="map.pbtxt: person has the id 2, and p.config has 1 class: give the label"):
        built(tmp_path, label_map="map.pbtxt", classes=1)


def test_an_archive_of_a_center_net_is_its_checkpoint(tmp_path):
    (tmp_path / "pipeline.config").write_text("model { center_net { } }")
    (tmp_path / "saved_model").mkdir()
    (tmp_path / "saved_model" / "saved_model.pb").write_bytes(b"x")
    (tmp_path / "checkpoint").mkdir()
    for suffix in (".index", ".data-00000-of-00001"):
        (tmp_path / "checkpoint" / f"ckpt-0{suffix}").write_bytes(b"x")
    assert "checkpoint" in recognize(tmp_path).title


def test_an_edge_to_a_keypoint_that_the_label_map_lacks_is_refused(tmp_path):
    (tmp_path / "map.pbtxt").write_text(MAP)
    task = KeypointTask("pose", "person", "map.pbtxt")
    plan = RebuildPlan(CenterNet(2, "hourglass_10", keypoints=task), "p.config", tmp_path, edges=((0, 7),))
    wanted = "p.config: a keypoint_edge joins 0 and 7, and .*map.pbtxt has 1 keypoint for person: want numbers from 0"
    with pytest.raises(InputError, match=wanted):
        architecture_of(plan.model).contract(plan, DetectorOptions(), (16, 16), BuiltNetwork(None, ((4, 4),), 0, 0))
