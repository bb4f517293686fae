"""Images with the labels of COCO, Open Images and Pascal VOC."""

import json

import pytest
from builders.dataset_items import items
from builders.image_files import encoded

from detlite.accuracy.dataset import DatasetFiles, Object, load_dataset
from detlite.runtime.errors import InputError


def coco(tmp_path, **changes):
    """Write a COCO file of one image, and return the folder and the file."""
    (tmp_path / "a.png").write_bytes(encoded(1))
    whole = {
        "images": [{"id": 7, "file_name": "a.png", "width": 40, "height": 40}],
        "annotations": [{"id": 1, "image_id": 7, "category_id": 3, "bbox": [0, 0, 20, 20]}],
        "categories": [{"id": 3, "name": "cat"}],
    }
    (tmp_path / "coco.json").write_text(json.dumps(whole | changes), encoding="utf-8")
    return tmp_path, tmp_path / "coco.json"


def test_coco_gives_files_and_labels(tmp_path):
    assert items("coco", *coco(tmp_path)) == [("", tmp_path / "a.png", (Object("cat", 0.25),))]


def test_coco_without_annotations_gives_files_alone(tmp_path):
    assert items("coco", *coco(tmp_path, annotations=[])) == [("", tmp_path / "a.png", None)]


TEXT_IDS = {
    "images": [{"id": "a", "file_name": "a.png", "width": 40, "height": 40}],
    "annotations": [{"id": "first", "image_id": "a", "category_id": "feline", "bbox": [0, 0, 20, 20]}],
    "categories": [{"id": 3, "name": "dog"}, {"id": "feline", "name": "cat"}],
}


def test_a_coco_file_with_texts_as_ids_is_calibrated_with(tmp_path):
    assert items("coco", *coco(tmp_path, **TEXT_IDS)) == [("", tmp_path / "a.png", (Object("cat", 0.25),))]


def test_a_coco_file_with_texts_as_ids_is_not_scored_against(tmp_path):
    with pytest.raises(InputError, match="image 0 is not right: id is 'a', want a whole number"):
        load_dataset("coco").labels["detection"].read(DatasetFiles("coco", coco(tmp_path, **TEXT_IDS)))


def test_a_text_that_is_the_id_of_no_image_is_told(tmp_path):
    with pytest.raises(InputError, match="1 annotation names no listed image; the first names image a"):
        items("coco", *coco(tmp_path, **TEXT_IDS | {"images": [{"id": "b", "file_name": "a.png"}]}))


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"images": []}, "'images' is empty"),
        ({"images": [{"id": "a", "file_name": f"{name}.png"} for name in "ab"]}, "image id 'a' is there twice"),
        ({"images": [{"id": 1, "file_name": "../a.png"}]}, "leads out of the images folder"),
        ({"images": [{"id": 1, "file_name": "/etc/passwd"}]}, "leads out of the images folder"),
        ({"images": [{"id": 7, "file_name": "b.png"}]}, "1 of the 1 image .* is not there; the first is .*b.png"),
        ({"images": 3}, "'images' must be a list of objects"),
        ({"categories": []}, "1 annotation names no listed category; the first names category 3"),
        (
            {"annotations": [{"image_id": 8, "category_id": 3, "bbox": [0, 0, 1, 1]}]},
            "1 annotation names no listed image",
        ),
        ({"annotations": [{"image_id": 7, "category_id": 3, "bbox": [0, 0, "x", 1]}]}, "annotation 0 is not right"),
    ],
)
def test_what_is_wrong_in_a_coco_file_is_told(tmp_path, changes, text):
    with pytest.raises(InputError, match=text):
        items("coco", *coco(tmp_path, **changes))


def test_coco_is_calibrated_with_and_scored_by_one_reader(tmp_path):
    files = coco(tmp_path)
    annotations, folder = load_dataset("coco").labels["detection"].read(DatasetFiles("coco", files))
    assert [item.objects for item in annotations.items([folder / "a.png"])] == [(Object("cat", 0.25),)]


def test_images_of_unknown_size_have_objects_of_unknown_area(tmp_path):
    files = coco(tmp_path, images=[{"id": 7, "file_name": "a.png"}])
    assert items("coco", *files)[0][2] == (Object("cat", None),)


def test_open_images_gives_files_and_labels(tmp_path):
    (tmp_path / "a1.jpg").write_bytes(encoded(1, "JPEG"))
    boxes = tmp_path / "boxes.csv"
    boxes.write_text("ImageID,LabelName,XMin,XMax,YMin,YMax,IsGroupOf\na1,/m/cat,0,0.5,0,0.5,0\n")
    assert items("open_images", tmp_path, boxes) == [("", tmp_path / "a1.jpg", (Object("/m/cat", 0.25),))]


def test_voc_gives_files_and_labels(tmp_path):
    (tmp_path / "a.png").write_bytes(encoded(1))
    box = "<bndbox><xmin>1</xmin><xmax>20</xmax><ymin>1</ymin><ymax>20</ymax></bndbox>"
    size = "<size><width>40</width><height>40</height></size>"
    (tmp_path / "a.xml").write_text(f"<annotation>{size}<object><name>cat</name>{box}</object></annotation>")
    assert items("voc", tmp_path) == [("", tmp_path / "a.png", (Object("cat", 0.25),))]


def test_a_list_of_voc_gives_the_images_of_that_split_alone(tmp_path):
    for name in ("a", "b", "c"):
        (tmp_path / f"{name}.png").write_bytes(encoded(1))
        (tmp_path / f"{name}.xml").write_text(
            "<annotation><size><width>40</width><height>40</height></size></annotation>"
        )
    (tmp_path / "ImageSets" / "Main").mkdir(parents=True)
    split = tmp_path / "ImageSets" / "Main" / "train.txt"
    split.write_text("c\na\n")
    assert [path.name for _name, path, _objects in items("voc", split)] == ["c.png", "a.png"]
    with pytest.raises(InputError, match="has no split 'val'; there are: train"):
        items("voc", split.with_name("val.txt"))


def test_an_annotation_with_entities_is_refused(tmp_path):
    (tmp_path / "a.xml").write_text('<!DOCTYPE a [<!ENTITY b "c">]><annotation>&b;</annotation>')
    with pytest.raises(InputError, match="no whole XML, or not a safe one"):
        items("voc", tmp_path)
