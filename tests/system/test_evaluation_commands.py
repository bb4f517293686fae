"""`detlite evaluate` with labels of every format, gates, and the record that `detlite compare` reads."""

import json
import shutil

import pytest
from PIL import Image

BOXES = "ImageID,LabelName,XMin,XMax,YMin,YMax,IsGroupOf"


@pytest.fixture(scope="session")
def labels(made, tmp_path_factory):
    """The photos of `made` with labels in every format: the whole of each picture is a cat."""
    folder = tmp_path_factory.mktemp("labels")
    stems = sorted(path.stem for path in (made / "photos").glob("*.png"))
    (folder / "voc" / "Annotations").mkdir(parents=True)
    (folder / "oid").mkdir()
    shutil.copytree(made / "photos", folder / "voc" / "JPEGImages")
    for stem in stems:
        Image.open(made / "photos" / f"{stem}.png").save(folder / "oid" / f"{stem}.jpg")
        (folder / "voc" / "Annotations" / f"{stem}.xml").write_text(
            "<annotation><size><width>80</width><height>60</height></size><object><name>cat</name><bndbox><xmin>1</xmin>"
            "<ymin>1</ymin><xmax>80</xmax><ymax>60</ymax></bndbox></object></annotation>"
        )
    rows = "\n".join(f"{stem},/m/cat,0,1,0,1,0" for stem in stems)
    (folder / "boxes.csv").write_text(f"{BOXES}\n{rows}\n")
    (folder / "labels.csv").write_text(f"ImageID,LabelName,Confidence\n{stems[0]},/m/dog,0\n")
    (folder / "names.csv").write_text("/m/cat,Cat\n/m/dog,Dog\n")
    record = {
        "images": [{"id": i, "file_name": f"{s}.png", "height": 60, "width": 80} for i, s in enumerate(stems)],
        "annotations": [
            {"id": i + 1, "image_id": i, "category_id": 1, "bbox": [0, 0, 80, 60]} for i in range(len(stems))
        ],
        "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}, {"id": 3, "name": "kite"}],
    }
    (folder / "instances.json").write_text(json.dumps(record))
    return folder


def oid(labels, *more):
    return ("--oid", labels / "oid", labels / "boxes.csv", "--oid-names", labels / "names.csv", *more)


def test_pascal_voc_gives_a_map_and_one_number_a_class(detlite, made, labels):
    ran = detlite("evaluate", made / "float", "--voc", labels / "voc", "--known-classes", "--json")
    record = json.loads(ran.out)
    assert (record["metric"], record["protocol"]["annotations"], record["images"]) == ("voc2007", "voc", 6)
    assert [row["class"] for row in record["per_class"]] == ["cat"]
    assert record["map"] == pytest.approx(record["per_class"][0]["ap"])
    assert record["protocol"]["average"] == "eleven_point"


def test_a_clients_resizing_is_in_the_protocol_and_finds_other_scores(detlite, made):
    asked = ("evaluate", made / "float", "--images", made / "photos", "--against", made / "float", "--json")
    own, client = json.loads(detlite(*asked).out), json.loads(detlite(*asked, "--resize-as", "task-library").out)
    assert own["fidelity"] == 100
    assert client["fidelity"] < 100
    assert (own["protocol"]["resize"], client["protocol"]["resize"]) == ("tf1_bilinear", "task-library")


def test_one_set_of_labels_in_two_formats_has_one_score(detlite, made, labels):
    coco = detlite(
        "evaluate", made / "float", "--coco", made / "photos", labels / "instances.json", "--metric", "voc2010"
    )
    voc = detlite("evaluate", made / "float", "--voc", labels / "voc", "--metric", "voc2010", "--known-classes")
    assert coco.out.splitlines()[-1] == voc.out.splitlines()[-1]
    assert coco.status == voc.status == 0


@pytest.mark.parametrize(
    ("metric", "more", "groups"), [("oid-v2", (), 0.0), ("oid-challenge", ("--oid-labels", "labels.csv"), 1.0)]
)
def test_open_images_are_scored(detlite, made, labels, metric, more, groups):
    more = tuple(labels / name if name.endswith(".csv") else name for name in more)
    ran = detlite("evaluate", made / "float", *oid(labels, *more), "--metric", metric, "--json")
    record = json.loads(ran.out)
    assert (record["metric"], record["protocol"]["group_of_weight"]) == (metric, groups)
    assert [row["class"] for row in record["per_class"]] == ["Cat"]


def test_gates_are_passed_or_missed_with_one_line(detlite, made, labels):
    coco = ("--coco", made / "photos", labels / "instances.json", "--against", made / "float")
    passed = detlite("evaluate", made / "float", *coco, "--min-fidelity", 99, "--min-map", 0, "--json")
    assert passed.status == 0, passed.err
    assert [gate["passed"] for gate in json.loads(passed.out)["gates"]] == [True, True]
    missed = detlite("evaluate", made / "float", *coco, "--min-map", 100)
    assert missed.status == 1
    assert missed.err.splitlines()[-1].endswith("want at least 100")
    assert "Traceback" not in missed.err


def test_a_model_against_itself_differs_by_nothing(detlite, made, labels):
    coco = ("--coco", made / "photos", labels / "instances.json")
    ran = detlite("evaluate", made / "int8", *coco, "--against", made / "int8", "--bootstrap", 50, "--json")
    record = json.loads(ran.out)
    assert record["map_difference"] == 0
    assert (record["map_difference_interval"]["low"], record["map_difference_interval"]["high"]) == (0, 0)
    assert len(record["map_draws"]) == 50


def test_records_are_written_once_and_compared(detlite, made, labels):
    coco = ("--coco", made / "photos", labels / "instances.json", "--bootstrap", 50)
    for name in ("float", "int8"):
        assert detlite("evaluate", made / name, *coco, "-o", f"{name}.json").status == 0
    again = detlite("evaluate", made / "float", *coco, "-o", "float.json")
    assert (again.status, again.out) == (2, "")
    assert "exists already" in again.err
    ran = detlite("compare", "float.json", "int8.json", "--fail-on", "map=-100", "--json")
    assert ran.status == 0, ran.err
    assert {"map", "map50", "ap:cat"} <= {row["figure"] for row in json.loads(ran.out)["figures"]}
    other = detlite("evaluate", made / "float", *coco[:-2], "--limit", 3, "-o", "less.json")
    assert other.status == 0
    refused = detlite("compare", "float.json", "less.json")
    assert refused.status == 2
    assert "protocol.images: 6 and 3" in refused.err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "give labels with --class-folders FOLDER, --coco IMAGES ANNOTATIONS, --imagenet IMAGES LABELS, --images"),
        (("--voc", "V", "--oid", "O", "B"), "--oid and --voc: give labels in one format"),
        (("--voc", "V", "--metric", "voc207"), "no metric is called 'voc207'; did you mean 'voc2007'"),
        (
            ("--voc", "V", "--metric", "oid-v2"),
            "the metric oid-v2 does not apply to these labels; use one of: coco, voc2007",
        ),
        (("--oid", "O", "B", "--metric", "oid-challenge"), "oid-challenge needs image-level labels"),
        (("--oid", "O", "B", "--oid-labels", "L"), "oid-v2 uses no image-level labels"),
        (("--voc", "V", "--oid-names", "N"), "--oid-names needs --oid"),
        (("--images", "I", "--split", "val"), "--split needs --voc"),
        (("--images", "I", "--against", "A", "--metric", "coco"), "--metric and --known-classes need labels"),
        (("--images", "I", "--against", "A", "--min-map", "5"), "--min-map needs labels: give --class-folders FOLDER"),
        (("--voc", "V", "--min-map-ratio", "0.99"), "give --against ARTIFACT"),
        (("--voc", "V", "--bootstrap", "1"), "1 bootstrap draw: want 2 to"),
        (("--voc", "V"), "V is not a folder"),
        (("--oid", "O", "B"), "B cannot be read as CSV"),
    ],
)
def test_wrong_options_are_refused_in_one_line(detlite, made, options, said):
    ran = detlite("evaluate", made / "float", *options)
    assert (ran.status, ran.out) == (2, "")
    assert said in ran.err
    assert len(ran.err.splitlines()) == 1
