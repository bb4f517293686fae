"""Keypoints in label maps: their names, and what is refused."""

import pytest

from detlite.convert.labels.keypoints import read_keypoints
from detlite.runtime.errors import InputError

PERSON = """item {
  name: "/m/01g317" id: 2 display_name: "person"
  keypoints { id: 0 label: "nose" }
  keypoints { id: 1 label: "left_eye" }
}
item { name: "/m/0k4j" id: 1 display_name: "car" }
"""


def read(tmp_path, text, name="/m/01g317"):
    (tmp_path / "map.pbtxt").write_text(text)
    return read_keypoints(tmp_path / "map.pbtxt", name)


def test_keypoints_have_the_order_of_the_label_map(tmp_path):
    found = read(tmp_path, PERSON)
    assert (found.number, found.names) == (1, ("nose", "left_eye"))


def test_coco_joins_the_nose_and_an_eye(tmp_path):
    assert read(tmp_path, PERSON).usual_edges == ((0, 1),)


@pytest.mark.parametrize(
    ("text", "name", "error"),
    [
        (PERSON, "/m/0k4j", "line 6: the item /m/0k4j has no keypoints; want different labels"),
        (PERSON, "person", "no class with keypoints is called 'person'"),
        (
            PERSON.replace("left_eye", "nose"),
            "/m/01g317",
            "has the labels 'nose', 'nose' of 2 keypoints",
        ),
        ("cat {}", "/m/01g317", "is no label map with items"),
    ],
)
def test_a_label_map_without_these_keypoints_is_refused(tmp_path, text, name, error):
    with pytest.raises(InputError, match=error):
        read(tmp_path, text, name)
