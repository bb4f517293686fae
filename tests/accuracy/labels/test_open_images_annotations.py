"""Reading Open Images' files: boxes, image-level labels, the hierarchy, and every way in which they can be wrong."""

import json

import numpy as np
import pytest
from PIL import Image

from detlite.accuracy.labels.hierarchy import read_hierarchy
from detlite.accuracy.labels.open_images import OpenImagesFiles, read_open_images
from detlite.runtime.errors import InputError

BOXES = "ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded,IsTruncated,IsGroupOf,IsDepiction,IsInside"
CHALLENGE = "ImageID,LabelName,XMin,XMax,YMin,YMax,IsGroupOf"
ROW = "b1,/m/football,0.25,0.5,0.1,0.6,0"
TREE = {
    "LabelName": "/m/root",
    "Subcategory": [
        {
            "LabelName": "/m/clothing",
            "Subcategory": [
                {"LabelName": "/m/helmet", "Subcategory": [{"LabelName": "/m/football"}, {"LabelName": "/m/bicycle"}]},
                {"LabelName": "/m/hat"},
            ],
            "Part": [{"LabelName": "/m/button"}],
        },
        {"LabelName": "/m/sport", "Subcategory": [{"LabelName": "/m/football"}]},
    ],
}


def write(folder, boxes, **files):
    """Write what is given, and images of 40 x 20 pixels (height x width); return the files."""
    for name in ("a1", "b1"):
        Image.fromarray(np.zeros((40, 20, 3), np.uint8)).save(folder / f"{name}.jpg")
    (folder / "boxes.csv").write_text(boxes)
    for name, text in files.items():
        (folder / name).write_text(text)
    return OpenImagesFiles(folder, folder / "boxes.csv", **{name: folder / name for name in files})


def named(annotations):
    """(image, class, group-of) of each object, by names."""
    names = dict(annotations.categories)
    files = {image.id: image.file_name for image in annotations.images}
    return {(files[t.image_id], names[t.category_id], t.group_of) for t in annotations.truths}


def test_boxes_become_pixels_by_the_images_own_sizes(tmp_path):
    annotations = read_open_images(write(tmp_path, f"{CHALLENGE}\n{ROW}\n"))
    assert annotations.truths[0].box == (5.0, 4.0, 5.0, 20.0)
    assert (annotations.images[0].height, annotations.images[0].width) == (40, 20)


def test_the_columns_of_v4_are_read_by_name(tmp_path):
    text = f"\ufeff{BOXES}\nb1,xclick,/m/hat,1,0.25,0.5,0.1,0.6,1,1,1,0,1\na1,xclick,/m/helmet,1,0,1,0,1,0,0,0,0,0\n"
    annotations = read_open_images(write(tmp_path, text))
    assert named(annotations) == {("a1.jpg", "/m/helmet", False), ("b1.jpg", "/m/hat", True)}


def test_boxes_are_boxes_of_every_class_above(tmp_path):
    annotations = read_open_images(write(tmp_path, f"{CHALLENGE}\n{ROW}\n", hierarchy=json.dumps(TREE)))
    assert named(annotations) == {
        ("b1.jpg", name, False) for name in ("/m/football", "/m/helmet", "/m/clothing", "/m/sport")
    }


def test_what_is_there_counts_above_and_what_is_not_below(tmp_path):
    rows = "a1,/m/football,0,1,0,1,0\na1,/m/bicycle,0,1,0,1,0\na1,/m/hat,0,1,0,1,0"
    labels = "ImageID,Source,LabelName,Confidence\na1,verification,/m/hat,1\nb1,verification,/m/helmet,0\n"
    files = write(tmp_path, f"{CHALLENGE}\n{rows}\n", labels=labels, hierarchy=json.dumps(TREE))
    annotations = read_open_images(files)
    names = dict(annotations.categories)
    assert {(image, names[category]) for image, category in annotations.verified} == {
        *((1, name) for name in ("/m/hat", "/m/clothing")),
        *((2, name) for name in ("/m/helmet", "/m/football", "/m/bicycle")),
    }


def test_an_image_with_labels_alone_counts(tmp_path):
    labels = "ImageID,LabelName,Confidence\na1,/m/hat,0\n"
    assert len(read_open_images(write(tmp_path, f"{CHALLENGE}\n{ROW}\n", labels=labels)).images) == 2


def test_classes_have_the_names_of_the_descriptions(tmp_path):
    files = write(tmp_path, f"{CHALLENGE}\n{ROW}\n", names='/m/football,"Helmet, football"\n')
    assert read_open_images(files).categories == ((1, "Helmet, football"),)


def test_a_limit_takes_the_first_images_by_name(tmp_path):
    text = f"{CHALLENGE}\n{ROW}\n{ROW.replace('b1', 'a1')}\n"
    assert [image.file_name for image in read_open_images(write(tmp_path, text), 1).images] == ["a1.jpg"]


def test_the_root_and_parts_are_no_classes(tmp_path):
    (tmp_path / "tree.json").write_text(json.dumps(TREE))
    hierarchy = read_hierarchy(tmp_path / "tree.json")
    assert hierarchy.above["/m/football"] == {"/m/helmet", "/m/clothing", "/m/sport"}
    assert hierarchy.below["/m/clothing"] == {"/m/helmet", "/m/hat", "/m/football", "/m/bicycle"}
    assert not {"/m/root", "/m/button"} & set(hierarchy.above)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "has no column 'ImageID'"),
        ("ImageID,LabelName\n", "has no column 'XMin'; want ImageID,LabelName"),
        (f"{CHALLENGE}\nb1,/m/hat,0.25\n", "line 2: 3 values, want 7"),
        (f"{CHALLENGE}\n{ROW}\n{ROW[:20]}", "line 3: 4 values, want 7"),
        (f"{CHALLENGE}\n{ROW.replace('0.25', 'x')}\n", "line 2: XMin is 'x', want 0 to 1"),
        (f"{CHALLENGE}\n{ROW.replace('0.25', 'nan')}\n", "XMin is 'nan'"),
        (f"{CHALLENGE}\n{ROW.replace('0.25', '0.75')}\n", "want max over min"),
        (f"{CHALLENGE}\n{ROW[:-1]}-1\n", "IsGroupOf is '-1', want 0 or 1"),
        (f"{CHALLENGE}\n../b1{ROW[2:]}\n", "ImageID is '../b1'"),
        (f"{CHALLENGE}\nc1{ROW[2:]}\n", r"c1\.jpg is missing"),
        (f'{CHALLENGE}\n"b1', "no CSV file"),
        (f"{CHALLENGE}\n{'x' * 200_000}\n", "no CSV file|values"),
    ],
)
def test_wrong_boxes_are_named(tmp_path, text, said):
    with pytest.raises(InputError, match=said):
        read_open_images(write(tmp_path, text))


def test_bytes_that_are_no_text_are_refused(tmp_path):
    files = write(tmp_path, "")
    files.boxes.write_bytes(b"\xff\xfe\x00ImageID")
    with pytest.raises(InputError, match=r"is no CSV file of Open Images"):
        read_open_images(files)


def test_labels_of_a_machine_are_refused(tmp_path):
    labels = "ImageID,Source,LabelName,Confidence\nb1,machine,/m/hat,0.7\n"
    with pytest.raises(InputError, match=r"Confidence is 0\.7: that label is a machine's"):
        read_open_images(write(tmp_path, f"{CHALLENGE}\n{ROW}\n", labels=labels))


def test_a_box_whose_class_the_hierarchy_does_not_know_is_named(tmp_path):
    files = write(tmp_path, f"{CHALLENGE}\n{ROW.replace('football', 'apple')}\n", hierarchy=json.dumps(TREE))
    with pytest.raises(InputError, match=r"has boxes of '/m/apple', which .*hierarchy does not know"):
        read_open_images(files)


def test_an_image_that_is_none_is_named(tmp_path):
    files = write(tmp_path, f"{CHALLENGE}\n{ROW}\n")
    (tmp_path / "b1.jpg").write_bytes(b"no image")
    with pytest.raises(InputError, match=r"b1\.jpg is no image, or is damaged"):
        read_open_images(files)


def nested(depth):
    return '{"LabelName": "a", "Subcategory": [' * depth + "]}" * depth


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is not whole JSON"),
        ("[]", "want objects with LabelName"),
        ("{}", "want objects with LabelName"),
        ('{"LabelName": "a"}', "has no class below its root"),
        ('{"LabelName": "a", "Subcategory": {}}', "is no list"),
        ('{"LabelName": "a", "Subcategory": [3]}', "below 'a' stands '3'"),
        (nested(100).replace('"a"', '"b"', 1), "nested over 100 levels deep"),
        (nested(100_000), "is not whole JSON"),
        (nested(3), "'a' lies below itself"),
    ],
)
def test_a_wrong_hierarchy_is_refused(tmp_path, text, said):
    (tmp_path / "tree.json").write_text(text)
    with pytest.raises(InputError, match=said):
        read_hierarchy(tmp_path / "tree.json")


def test_class_descriptions_of_another_form_are_refused(tmp_path):
    with pytest.raises(InputError, match="want two values a line"):
        read_open_images(write(tmp_path, f"{CHALLENGE}\n{ROW}\n", names="a,b,c\n"))
