"""Reading Pascal VOC's XML files: what is in them, and every way in which they can be wrong."""

import pytest
from builders.pascal_cases import write_voc, write_xml

from detlite.accuracy.ground_truth import labelled
from detlite.accuracy.labels.voc import CLASSES, read_voc
from detlite.runtime.errors import InputError

DOG, CAR = ("dog", 1, 1, 10, 20, 0), ("car", 11, 21, 110, 220, 1)


def test_pixels_count_from_1_and_both_ends_are_inside(tmp_path):
    annotations, _images = read_voc(write_voc(tmp_path / "voc", {"000001": [DOG, CAR]}))
    assert [truth.box for truth in annotations.truths] == [(0, 0, 10, 20), (10, 20, 100, 200)]
    assert [truth.area for truth in annotations.truths] == [200, 20000]
    assert [truth.crowd for truth in annotations.truths] == [False, True]


def test_the_twenty_classes_have_their_usual_ids(tmp_path):
    annotations, images = read_voc(write_voc(tmp_path / "voc", {"000001": [DOG, CAR]}))
    assert [truth.category_id for truth in annotations.truths] == [12, 7]
    assert annotations.categories == tuple(enumerate(CLASSES, 1))
    assert (annotations.images[0].file_name, images.name) == ("000001.jpg", "JPEGImages")
    assert (annotations.images[0].height, annotations.images[0].width) == (375, 500)


def test_other_classes_are_those_that_are_there(tmp_path):
    annotations, _images = read_voc(write_voc(tmp_path / "voc", {"a": [("screw", 1, 1, 2, 2, 0)], "b": [DOG]}))
    assert annotations.categories == ((1, "dog"), (2, "screw"))


def test_an_image_without_objects_counts(tmp_path):
    annotations, _images = read_voc(write_voc(tmp_path / "voc", {"a": [DOG], "b": []}))
    assert len(annotations.images) == 2


def test_xml_files_and_images_may_lie_together(tmp_path):
    write_xml(tmp_path / "a.xml", [DOG])
    (tmp_path / "a.PNG").touch()
    annotations, images = read_voc(tmp_path)
    assert (annotations.images[0].file_name, images) == ("a.PNG", tmp_path)


@pytest.mark.parametrize("folder", ["ImageSets", "ImageSets/Main"])
def test_a_split_is_a_list_of_names(tmp_path, folder):
    voc = write_voc(tmp_path / "voc", {"a": [DOG], "b": [DOG], "c": [DOG]})
    (voc / folder).mkdir(parents=True)
    (voc / folder / "val.txt").write_text("c  1\na -1\n\n")
    annotations, _images = read_voc(voc, "val")
    assert [image.file_name for image in annotations.images] == ["c.jpg", "a.jpg"]
    assert annotations.split == "val"


def test_a_name_that_is_too_long_for_a_file_is_a_missing_annotation(tmp_path):
    root = write_voc(tmp_path / "voc", {"a": [("dog", 1, 1, 9, 9, 0)]})
    (root / "ImageSets").mkdir(exist_ok=True)
    (root / "ImageSets" / "val.txt").write_text(f"a\n{'9' * 400}\n")
    with pytest.raises(InputError, match="1 of the 2 annotations of .*val.txt is missing"):
        read_voc(root, "val")


def test_a_split_that_is_not_there_is_told_with_those_that_are(tmp_path):
    voc = write_voc(tmp_path / "voc", {"a": [DOG]})
    (voc / "ImageSets").mkdir()
    (voc / "ImageSets" / "test.txt").write_text("a")
    for name in ("val", "../test"):
        with pytest.raises(InputError, match=r"has no split .*; there are: test"):
            read_voc(voc, name)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "0 lines with 0 names"),
        ("a\na", "2 lines with 1 name"),
        ("../a", "'../a' is none"),
        ("a\nb", "first .*b.xml"),
    ],
)
def test_a_wrong_list_is_refused(tmp_path, text, said):
    voc = write_voc(tmp_path / "voc", {"a": [DOG]})
    (voc / "ImageSets").mkdir()
    (voc / "ImageSets" / "test.txt").write_text(text)
    with pytest.raises(InputError, match=said):
        read_voc(voc, "test")


BOMB = (
    '<!DOCTYPE a [<!ENTITY b "boom"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>'
    "<annotation><object><name>&c;</name></object></annotation>"
)
SIZE = "<size><width>9</width><height>9</height></size>"
BOX = "<bndbox><xmin>1</xmin><ymin>1</ymin><xmax>{}</xmax><ymax>2</ymax></bndbox>"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no whole XML"),
        ("<annotation><size>", "no whole XML"),
        ("\0\1\2", "no whole XML"),
        (BOMB, "not a safe one .*DTDForbidden"),
        ('<!DOCTYPE a SYSTEM "file:///etc/passwd"><annotation/>', "not a safe one"),
        ('<?xml version="1.0" encoding="no-such"?><annotation/>', "no whole XML"),
        ("<html/>", "begins with <html>"),
        ("<annotation/>", "size/height is '', want pixels from 1"),
        ("<annotation><size><width>0</width><height>9</height></size></annotation>", "size/width is '0'"),
        (f"<annotation>{SIZE}<object/></annotation>", "an object is called ''"),
        (f"<annotation>{SIZE}<object><name>a</name></object></annotation>", "bndbox/xmin is ''"),
        (f"<annotation>{SIZE}<object><name>a</name>{BOX.format('nan')}</object></annotation>", "xmax is 'nan'"),
        (f"<annotation>{SIZE}<object><name>a</name>{BOX.format('1e99')}</object></annotation>", "xmax is '1e99'"),
        (
            f"<annotation>{SIZE}<object><name>a</name>{BOX.format('0')}</object></annotation>",
            r"from \(1, 1\) to \(0, 2\)",
        ),
        (
            f"<annotation>{SIZE}<object><name>a</name><difficult>x</difficult>{BOX.format('5')}</object></annotation>",
            "difficult is 'x', want 0 or 1",
        ),
    ],
)
def test_a_wrong_file_is_named_in_one_line(tmp_path, text, said):
    voc = write_voc(tmp_path / "voc", {"a": [DOG]})
    (voc / "Annotations" / "a.xml").write_text(text)
    with pytest.raises(InputError, match=rf"a\.xml .*{said}") as raised:
        read_voc(voc)
    assert len(str(raised.value).splitlines()) == 1


def test_a_very_deep_file_is_refused(tmp_path):
    voc = write_voc(tmp_path / "voc", {"a": [DOG]})
    (voc / "Annotations" / "a.xml").write_text("<annotation>" * 300_000)
    with pytest.raises(InputError, match="no whole XML"):
        read_voc(voc)


def test_a_file_of_absurd_size_is_refused(tmp_path):
    voc = write_voc(tmp_path / "voc", {"a": [DOG]})
    with (voc / "Annotations" / "a.xml").open("wb") as file:
        file.truncate(5 << 20)
    with pytest.raises(InputError, match="over 4194304 bytes"):
        read_voc(voc)


def test_what_is_missing_is_named(tmp_path):
    with pytest.raises(InputError, match="is not a folder"):
        read_voc(tmp_path / "none")
    with pytest.raises(InputError, match=r"holds no \.xml file"):
        read_voc(tmp_path)
    voc = write_voc(tmp_path / "voc", {"a": []})
    with pytest.raises(InputError, match="no object is annotated"):
        read_voc(voc)
    (voc / "JPEGImages" / "a.jpg").unlink()
    with pytest.raises(InputError, match=r"holds no image called a .*as a\.xml needs"):
        read_voc(voc)


def test_the_six_classes_that_coco_calls_otherwise_are_matched(tmp_path):
    annotations, images = read_voc(write_voc(tmp_path / "voc", {"a": [("sofa", 1, 1, 9, 9, 0)]}))
    coco = {"aeroplane": "airplane", "diningtable": "dining table", "motorbike": "motorcycle"}
    coco |= {"pottedplant": "potted plant", "sofa": "couch", "tvmonitor": "tv"}
    labels = [coco.get(name, name) for name in CLASSES]
    assert labelled(annotations, images, labels).classes.category_ids == tuple(range(1, 21))


def test_classes_that_the_model_does_not_have_are_an_error_or_left_out_when_asked(tmp_path):
    annotations, images = read_voc(write_voc(tmp_path / "voc", {"a": [DOG, CAR]}))
    with pytest.raises(InputError, match="category 1 is 'aeroplane'"):
        labelled(annotations, images, ["person", "dog"])
    left = labelled(annotations, images, ["person", "dog"], known_only=True)
    assert [truth.category_id for truth in left.annotations.truths] == [12]
    assert left.categories_left_out == 18
    with pytest.raises(InputError, match="none of the 20 annotated classes"):
        labelled(annotations, images, ["screw"], known_only=True)


def test_nameless_classes_match_the_twenty_and_no_others(tmp_path):
    twenty = read_voc(write_voc(tmp_path / "voc", {"a": [DOG]}))
    assert labelled(*twenty, ["???"] * 20).classes.rule == "position"
    others = read_voc(write_voc(tmp_path / "own", {"a": [("screw", 1, 1, 2, 2, 0)]}))
    with pytest.raises(InputError, match="classes have no names, and those of the annotations have no numbers"):
        labelled(*others, ["???"] * 20)


@pytest.mark.data
def test_forty_images_of_voc2007_are_read(shared_data):
    annotations, images = read_voc(shared_data / "voc2007_test", "test")
    assert (len(annotations.images), annotations.split, images.name) == (40, "test", "JPEGImages")
    assert labelled(annotations, images, CLASSES).paths[0].is_file()
    assert min(truth.box[0] for truth in annotations.truths) >= 0
