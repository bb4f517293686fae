"""Reading a COCO file: what is in it, and every way in which it can be wrong."""

import json

import pytest
from builders.detection_cases import write_instances

from detlite.accuracy.labels.annotations import check_image_files
from detlite.accuracy.labels.coco import read_annotations
from detlite.runtime.errors import InputError

IMAGE = {"id": 1, "file_name": "1.jpg", "height": 480, "width": 640}
OBJECT = {"id": 1, "image_id": 1, "category_id": 18, "bbox": [1, 2, 3, 4]}
DOG = {"id": 18, "name": "dog"}


def test_a_good_file_is_read_whole(tmp_path):
    read = read_annotations(write_instances(tmp_path / "a.json"))
    assert [image.file_name for image in read.images] == ["1.jpg", "2.jpg"]
    assert (read.truths[0].box, read.truths[0].area, read.truths[0].crowd) == ((1, 2, 3, 4), 12, False)
    assert read.categories == ((1, "person"), (18, "dog"))
    assert read.split is None


def test_an_object_without_area_has_that_of_its_box(tmp_path):
    path = write_instances(tmp_path / "a.json", annotations=[OBJECT])
    assert read_annotations(path).truths[0].area == 12


def test_the_split_is_the_folder_of_the_urls(tmp_path):
    url = "//images/val2017/1.jpg"
    path = write_instances(tmp_path / "a.json", images=[{**IMAGE, "coco_url": url}], annotations=[OBJECT])
    assert read_annotations(path).split == "val2017"


def test_the_first_images_keep_only_their_objects(tmp_path):
    few = read_annotations(write_instances(tmp_path / "a.json")).first(1)
    assert ([i.id for i in few.images], [t.image_id for t in few.truths], len(few.categories)) == ([1], [1], 2)


@pytest.mark.parametrize("size", [0, 1, 40, 200])
def test_a_cut_file_is_refused(tmp_path, size):
    path = write_instances(tmp_path / "a.json")
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(InputError, match=r"a\.json is not whole JSON"):
        read_annotations(path)


@pytest.mark.parametrize("text", [b"\xff\xd8\xff\xe0 JFIF", b"[" * 100_000, b'"\\ud800'])
def test_what_is_no_json_is_refused(tmp_path, text):
    (tmp_path / "a.json").write_bytes(text)
    with pytest.raises(InputError, match="is not whole JSON"):
        read_annotations(tmp_path / "a.json")


@pytest.mark.parametrize("record", [[], 7, None, "x", {}, {"images": []}, {"shapes": [], "version": "5"}])
def test_other_json_is_no_coco_file(tmp_path, record):
    (tmp_path / "a.json").write_text(json.dumps(record))
    with pytest.raises(InputError, match=r"is not a COCO instances file|'images' is empty"):
        read_annotations(tmp_path / "a.json")


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"images": {}}, "'images' must be a list of objects"),
        ({"images": [1]}, "'images' must be a list of objects"),
        ({"annotations": []}, "'annotations' is empty"),
        ({"images": [{"id": 1, "height": 4, "width": 4}]}, "image 0 has no 'file_name'"),
        ({"images": [{**IMAGE, "height": -1}]}, "height is -1, want a whole number from 1"),
        ({"images": [{**IMAGE, "width": 1e400}]}, "it holds Infinity"),
        ({"images": [{**IMAGE, "id": "1"}]}, "id is '1', want a whole number"),
        ({"images": [{**IMAGE, "id": True}]}, "id is True, want a whole number"),
        ({"images": [{**IMAGE, "file_name": "/etc/passwd"}]}, "leads out of the images folder"),
        ({"images": [{**IMAGE, "file_name": "a/../../b.jpg"}]}, "leads out of the images folder"),
        ({"images": [{**IMAGE, "file_name": "C:\\b.jpg"}]}, "leads out of the images folder"),
        ({"images": [IMAGE, {**IMAGE, "file_name": "2.jpg"}]}, "image id 1 is there twice"),
        ({"images": [IMAGE, {**IMAGE, "id": 2}]}, "file_name '1.jpg' is there twice"),
        ({"annotations": [OBJECT, OBJECT]}, "annotation id 1 is there twice"),
        ({"annotations": [{**OBJECT, "image_id": 9}]}, "1 annotation names no listed image"),
        ({"annotations": [{**OBJECT, "category_id": 2}]}, "the first names category 2"),
        ({"annotations": [{**OBJECT, "bbox": [1, 2, 3]}]}, "annotation 0 is not right"),
        ({"annotations": [{**OBJECT, "bbox": "1234"}]}, "want \\[x, y, width, height\\]"),
        ({"annotations": [{**OBJECT, "bbox": [0, 0, -3, 4]}]}, "none negative in size"),
        ({"annotations": [{**OBJECT, "bbox": [0, 0, float("nan"), 4]}]}, "it holds NaN"),
        ({"annotations": [{**OBJECT, "area": -1}]}, "area -1, want square pixels"),
        ({"annotations": [{**OBJECT, "iscrowd": 2}]}, "iscrowd is 2"),
        ({"categories": [DOG, {"id": 1, "name": 5}]}, "name is 5, want text"),
        ({"categories": [DOG, DOG]}, "category id 18 is there twice"),
    ],
)
def test_a_wrong_value_is_named(tmp_path, changes, text):
    with pytest.raises(InputError, match=text):
        read_annotations(write_instances(tmp_path / "a.json", **changes))


def test_a_folder_is_no_annotation_file(tmp_path):
    with pytest.raises(InputError, match="cannot be read as COCO annotations"):
        read_annotations(tmp_path)


def test_images_that_are_missing_are_counted_and_the_first_is_named(tmp_path):
    read = read_annotations(write_instances(tmp_path / "a.json"))
    (tmp_path / "1.jpg").touch()
    with pytest.raises(InputError, match=r"1 of 2 images that the annotations list is missing .* is 2\.jpg"):
        check_image_files(read, tmp_path)


def test_a_missing_images_folder_is_named(tmp_path):
    read = read_annotations(write_instances(tmp_path / "a.json"))
    with pytest.raises(InputError, match="is not a folder"):
        check_image_files(read, tmp_path / "absent")
