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


@pytest.mark.parametrize(
    ("name", "text", "labels"),
    [
        ("l.txt", "\ufeffcat\r\ndog\r\n", ("cat", "dog")),
        ("l.pbtxt", "\ufeffitem { id: 1 name: 'cat' }\r\n", ("cat",)),
        ("l.pbtxt", "item { id: 0 name: 'background' } item { id: 1 name: 'cat' }", ("cat",)),
        ("coral.txt", "0  person\n1  bicycle\n3  car\n", ("person", "bicycle", "???", "car")),
        ("l.txt", "1: person\n2: traffic light\n", ("person", "traffic light")),
        ("coins.txt", "1 cent\n2 cent\n5 cent\n", ("1 cent", "2 cent", "5 cent")),
        ("limits.txt", "20 km/h\n30 km\n", ("20 km/h", "30 km")),
        ("digits.txt", "0\n1\n2\n", ("0", "1", "2")),
        ("l.json", '["cat", "dog"]', ("cat", "dog")),
        ("l.json", '{"0": "cat", "2": "dog"}', ("cat", "???", "dog")),
        ("l.json", '{"1": "cat", "2": "dog"}', ("cat", "dog")),
        ("l.json", '[{"id": 1, "name": "cat"}, {"id": 3, "name": "dog"}]', ("cat", "???", "dog")),
        ("coco.json", '{"images": [], "categories": [{"id": 2, "name": "dog"}]}', ("???", "dog")),
        ("l.csv", "id,name\n1,cat\n3,dog\n", ("cat", "???", "dog")),
        ("l.csv", 'index,mid,display_name\n0,/m/1,"Speech, spoken"\n1,/m/2,Dog\n', ("Speech, spoken", "Dog")),
        ("l.csv", "0,cat\n1,dog\n", ("cat", "dog")),
        ("l.csv", "cat\ndog\n", ("cat", "dog")),
        ("titled.csv", "LabelName,DisplayName\n/m/011k07,Tortoise\n/m/011q46kg,Container\n", ("Tortoise", "Container")),
        ("l.txt", "[background]\ncat\n", ("[background]", "cat")),
        ("descriptions.csv", "/m/011k07,Tortoise\n/m/011q46kg,Container\n", ("Tortoise", "Container")),
    ],
)
def test_labels_are_read_however_they_are_numbered(tmp_path, name, text, labels):
    (tmp_path / name).write_bytes(text.encode())
    assert read_labels(tmp_path / name) == labels


@pytest.mark.parametrize(
    ("name", "text", "error"),
    [
        ("l.json", '["cat", ', "l.json is not whole JSON"),
        ("l.json", '"cat"', "l.json holds no labels"),
        ("l.json", '{"cat": 3}', "l.json holds no labels: want a list of names, names by number, or objects"),
        ("l.json", '[{"id": 1, "name": "a"}, {"id": 1, "name": "b"}]', "two labels have the number 1"),
        ("l.json", '[{"id": 99999, "name": "a"}]', "the number of 'a' is 99999; want at most 10000"),
        ("l.csv", "red,cat\nblue,dog\n", "nothing says which column has the labels: give it the title name"),
        ("l.csv", "id,name\nx,cat\n", "the number of a label is not a whole number"),
        ("l.csv", "id,name\n1\n", "has 1 row of labels, or a row that is cut short"),
        ("l.csv", f"{'x' * 200_000},cat\n", "l.csv is no table: field larger than field limit"),
        ("l.csv", "", "nothing says which column has the labels"),
    ],
)
def test_labels_that_are_not_whole_are_refused(tmp_path, name, text, error):
    (tmp_path / name).write_bytes(text.encode())
    with pytest.raises(InputError, match=error):
        read_labels(tmp_path / name)
