"""Label maps and label lists."""

import pytest

from detlite.convert.labels.files import known_labels, read_labels
from detlite.runtime.errors import InputError, UnknownNameError


def test_coco_has_90_ids_of_which_80_are_named():
    labels = known_labels("coco")
    assert (len(labels), sum(label != "???" for label in labels)) == (90, 80)
    assert (labels[0], labels[11], labels[12], labels[89]) == ("person", "???", "stop sign", "toothbrush")


def test_an_unknown_list_is_named_with_the_nearest():
    with pytest.raises(UnknownNameError, match="no label list is called 'cocoo'; did you mean 'coco'"):
        known_labels("cocoo")


def test_a_label_map_keeps_its_gaps(tmp_path):
    path = tmp_path / "map.pbtxt"
    path.write_text("item { name: '/m/1' id: 1 display_name: 'cat' } item: { id: 3, name: 'dog' }")
    assert read_labels(path) == ("cat", "???", "dog")


def test_a_list_has_one_label_a_line(tmp_path):
    path = tmp_path / "labels.txt"
    path.write_text("cat\n\ndog\n\n")
    assert read_labels(path) == ("cat", "???", "dog")


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "has 0 lines"),
        ("item { id: 0 name: 'x' }", "labels.txt, line 1: id is 0; want a whole number from 1 to 10000"),
        ("item { id: 1 name: 'x' }\nitem { id: 1 name: 'y' }", "line 2: two items have the id 1"),
        ("item { id: 'one' }", "line 1: id is 'one'; want a whole number"),
        ("item { id: inf }", "line 1: id is inf; want a whole number"),
        ("item { name: 'x' }", "line 1: item has no id"),
        ("item { id: 99999999 }", "line 1: id is 99999999"),
    ],
)
def test_a_damaged_label_file_is_refused(tmp_path, text, error):
    path = tmp_path / "labels.txt"
    path.write_text(text)
    with pytest.raises(InputError, match=error):
        read_labels(path)


def test_a_binary_file_is_no_label_file(tmp_path):
    path = tmp_path / "labels.txt"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="cannot read labels from"):
        read_labels(path)
