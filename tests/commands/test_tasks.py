"""Each task by the commands: a tiny model is inspected, quantized, scored, compared, run, measured and packed."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from builders.command_line import Detlite
from builders.model_files import write_photos
from builders.tiny_streams import clip_reader, running_sum
from builders.tiny_tasks import tiny_task
from faster_coco_eval import mask
from PIL import Image

from detlite.runtime.artifact import read_artifact
from detlite.runtime.image.read import read_image
from detlite.runtime.plugins import plugin_names
from detlite.runtime.session import Session
from detlite.runtime.task import TASKS, Result

KINDS = plugin_names(TASKS)
PHOTOS = 3

FACTS = {
    "classification": {"score_converter": "SOFTMAX", "label_offset": 1},
    "detection": {"anchors": 64, "label_offset": 1},
    "instances": {"anchors": 64, "mask_size": [4, 4], "mask_threshold": 0.5},
    "keypoints": {
        "anchors": 64,
        "skeleton": {"class": 0, "keypoints": ["nose", "left_eye"], "edges": [[0, 1]]},
    },
    "segmentation": {"map_resize": "half_pixel_bilinear", "score_converter": "SOFTMAX"},
}
TITLES = {
    "classification": "a classifier, float32",
    "detection": "a detector with raw heads, float32",
    "instances": "an instance segmenter, float32",
    "keypoints": "a detector of keypoints, float32",
    "segmentation": "a segmenter, float32",
}
WITH_BOXES = ("detection", "instances", "keypoints")
METRICS = {"classification": "top1", "detection": "map", "instances": "map", "keypoints": "map", "segmentation": "miou"}


@dataclass(frozen=True)
class Tried:
    """A folder with the artifacts `float` and `int8` of one task and the images `photos`, and `detlite` in it."""

    kind: str
    detlite: Detlite

    @property
    def photos(self) -> list[Path]:
        return sorted((self.detlite.folder / "photos").iterdir())

    def record(self, *arguments):
        ran = self.detlite(*arguments, "--json")
        assert ran.status == 0, ran.err
        return json.loads(ran.out)

    def results(self, artifact="float") -> list[Result]:
        session = Session(read_artifact(self.detlite.folder / artifact))
        return [session.run(read_image(path)) for path in self.photos]


SLOW = ("instances", "keypoints", "segmentation")
"""Those whose commands run with `-m slow` alone: each takes over ten seconds."""


@pytest.fixture(
    scope="module", params=[pytest.param(kind, marks=[pytest.mark.slow] * (kind in SLOW)) for kind in KINDS]
)
def tried(request, tmp_path_factory):
    detlite = Detlite(tmp_path_factory.mktemp(request.param))
    tiny_task(request.param).save(detlite.folder / "float")
    write_photos(detlite.folder / "photos", PHOTOS)
    ran = detlite("quantize", "float", "-o", "int8", "--images", "photos", "--json")
    assert ran.status == 0, ran.err
    assert json.loads(ran.out)["task"] == request.param
    return Tried(request.param, detlite)


def test_convert_speaks_of_heads_where_there_are_boxes(tried, tmp_path):
    ran = tried.detlite("convert", "float", "-o", tmp_path / "out")
    assert ran.status == 0, ran.err
    heads = "raw heads, " if tried.kind in WITH_BOXES else ""
    assert f": {heads}float32, " in ran.out


def test_inspect_tells_the_facts_of_the_task(tried):
    facts = tried.record("inspect", "float")
    assert (facts["task"], facts["is"], facts["classes"]) == (tried.kind, TITLES[tried.kind], 3)
    assert {name: facts[name] for name in FACTS[tried.kind]} == FACTS[tried.kind]


def test_a_model_agrees_with_itself(tried):
    record = tried.record("compare", "float", "float")
    assert record["findings"] == []
    assert set(record["max_differences"].values()) == {0.0}


def test_int8_differs_from_float_by_rounding_alone(tried):
    ran = tried.detlite("compare", "float", "int8", "--json", "--tolerance", 1e-9)
    record = json.loads(ran.out)
    assert ran.status == 1
    assert set(record["max_differences"]) == set(read_artifact(tried.detlite.folder / "float").contract.roles)
    assert all(0 < far < 6 for far in record["max_differences"].values())


def test_agreement_of_float_with_itself_is_whole(tried):
    assert tried.record("evaluate", "float", "--images", "photos", "--against", "float")["fidelity"] == 100


def test_int8_agrees_with_float_by_the_measure_of_the_task(tried):
    record = tried.record("evaluate", "int8", "--images", "photos", "--against", "float")
    assert record["images"] == PHOTOS
    assert 75 < record["fidelity"] <= 100


def labels_of(tried, results):
    """Write *results* as the labels of the photos, in the form of the task, and return the options that read them."""
    folder = tried.detlite.folder
    if tried.kind == "classification":
        for path, result in zip(tried.photos, results, strict=True):
            (folder / "sorted" / f"thing {result.best(1)[0]}").mkdir(parents=True, exist_ok=True)
            (folder / "sorted" / f"thing {result.best(1)[0]}" / path.name).write_bytes(path.read_bytes())
        for number in range(3):
            (folder / "sorted" / f"thing {number}").mkdir(exist_ok=True)
        return ["--class-folders", "sorted"]
    if tried.kind == "segmentation":
        (folder / "masks").mkdir(exist_ok=True)
        for path, result in zip(tried.photos, results, strict=True):
            Image.fromarray(result.classes.astype(np.uint8)).save(folder / "masks" / path.name)
        return ["--masks", "photos", "masks"]
    (folder / "coco.json").write_text(json.dumps(coco_of(tried.photos, results)))
    return ["--coco", "photos", "coco.json"]


def coco_of(paths, results):
    """Return *results* as COCO's instances: masks as polygons, a rectangle for each run of pixels of a row."""
    images, annotations = [], []
    for number, (path, result) in enumerate(zip(paths, results, strict=True)):
        height, width = read_image(path).shape[:2]
        images.append({"id": number, "file_name": path.name, "height": height, "width": width})
        for place, found in enumerate(result.above(0.0)):
            mask, (y1, x1, y2, x2) = result.area(place, found), found.box
            box = [x1 * width, y1 * height, (x2 - x1) * width, (y2 - y1) * height]
            polygons = [] if mask is None else polygons_of(mask)
            area = box[2] * box[3] if mask is None else int(mask.sum())
            if not area:  # COCO knows no objects without pixels
                continue
            marks = [value for p in found.points for value in (p.x * width, p.y * height, 2)] or [0] * 6
            annotation = {
                "keypoints": marks,
                "id": len(annotations) + 1,
                "image_id": number,
                "category_id": found.number + 1,
            }
            annotations.append({**annotation, "bbox": box, "area": area, "iscrowd": 0, "segmentation": polygons})
    categories = [
        {"id": number + 1, "name": f"thing {number}", "keypoints": ["nose", "left_eye"]} for number in range(3)
    ]
    return {"images": images, "annotations": annotations, "categories": categories}


def polygons_of(mask):
    polygons = []
    for y in np.flatnonzero(mask.any(axis=1)).tolist():
        edges = np.flatnonzero(np.diff(np.pad(mask[y].astype(np.int8), 1))).tolist()
        polygons += [
            [left, y, right, y, right, y + 1, left, y + 1] for left, right in zip(edges[::2], edges[1::2], strict=True)
        ]
    return polygons


def test_what_a_model_finds_scores_whole_as_its_own_labels(tried):
    record = tried.record("evaluate", "float", *labels_of(tried, tried.results()))
    assert record["images"] == PHOTOS
    assert 97 < record[METRICS[tried.kind]] <= 100  # boxes without a pixel are found, and nothing is there


def test_detect_finds_what_a_session_finds(tried):
    record = tried.record("detect", "float", "photos", "--score-threshold", 0.25)
    results = tried.results()
    ranked = tried.kind == "classification"  # a ranking is listed whatever the scores
    for image, result in zip(record["images"], results, strict=True):
        assert image[result.listed] == [one.to_record() for one in result.above(0.0 if ranked else 0.25)]


def test_detect_draws_what_it_finds(tried):
    assert tried.detlite("detect", "float", "photos/0.png", "--draw", "drawn.png", "--force").status == 0
    picture = read_image(tried.detlite.folder / "drawn.png")
    plain = Image.open(tried.photos[0]).convert("RGB").resize((320, 240), Image.Resampling.BICUBIC)
    assert picture.shape == (240, 320, 3)
    assert (picture != np.asarray(plain)).any()


def test_coco_results_are_of_what_has_boxes(tried):
    ran = tried.detlite(
        "detect", "float", "photos/0.png", "--coco-json", "rows.json", "--coco-annotations", "ids.json", "--force"
    )
    if tried.kind in WITH_BOXES:
        assert "ids.json" in ran.err  # which is not there
    else:
        assert f"COCO results hold boxes, and the model is {TITLES[tried.kind].split(',')[0]}" in ran.err
    assert ran.status == 2


def test_coco_results_hold_the_pixels_of_instances(tried):
    if tried.kind not in WITH_BOXES:
        pytest.skip("without boxes")
    assert tried.detlite("detect", "float", "photos/0.png", "--coco-json", "rows.json", "--force").status == 0
    rows = json.loads((tried.detlite.folder / "rows.json").read_text())
    assert {"segmentation" in row for row in rows} == {tried.kind == "instances"}
    result = tried.results()[0]
    for place, row in enumerate(rows if tried.kind == "instances" else []):
        assert (mask.decode(row["segmentation"]).astype(bool) == result.mask(place)).all()


def test_measure_runs_the_photos(tried):
    record = tried.record(
        "measure", "int8", "--scenario", "single-stream", "--images", "photos", "--queries", 60, "--processes", 1,
        "--min-seconds", 0, "--accuracy", "-o", "run", "--force",
    )  # fmt: skip
    assert 0 < record["latency"]["count"] <= 60  # without those of the warm-up
    assert 0 < record["invoke"]["p50_ms"] <= record["latency"]["p50_ms"]
    lines = (tried.detlite.folder / "run" / "detections.jsonl").read_text().splitlines()
    found = [json.loads(line) for line in lines[1:]]
    assert [one["image"] for one in found] == [path.name for path in tried.photos]


def test_a_packed_board_finds_what_the_workstation_finds(tried):
    folder = tried.detlite.folder
    assert tried.detlite("package", "--runtime", "int8", "-o", "board.pyz", "--force").status == 0
    np.save(folder / "photo.npy", read_image(tried.photos[0]))
    command = [sys.executable, "-I", folder / "board.pyz", "detect", folder / "photo.npy", "--json"]
    environment = {**os.environ, "XDG_CACHE_HOME": str(folder / "cache")}
    ran = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment)
    assert ran.returncode == 0, ran.stderr
    (image,) = json.loads(ran.stdout)["images"]
    want = tried.results("int8")[0]
    assert image[want.listed] == [one.to_record() for one in want.above(0.0)]


@pytest.mark.parametrize(
    "option", [("--explain",), ("--curve", "1,2"), ("--min-fidelity", 1), ("--max-error", "logits=99")]
)
def test_a_gate_a_curve_and_an_explanation_take_any_task(tried, option):
    ran = tried.detlite("quantize", "float", "-o", "judged", "--images", "photos", "--force", *option)
    assert ran.status == 0, ran.err


def test_android_takes_classifiers_and_segmenters_and_refuses_the_others_in_one_line(tried):
    ran = tried.detlite("package", "--android", "int8", "-o", "android")
    if tried.kind in ("classification", "segmentation"):
        assert ran.status == 0, ran.err
        return
    want = "attach the post-processing op first" if tried.kind == "detection" else "Android's clients have no task"
    assert ran.status == 2
    assert want in ran.err
    assert len(ran.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("make", "takes"),
    [
        (clip_reader, "clips: calibrate it with videos"),
        (running_sum, "images and states: calibrate it with videos"),
    ],
)
def test_quantize_refuses_images_for_a_model_of_videos(make, takes, tmp_path):
    detlite = Detlite(tmp_path)
    make().save(tmp_path / "float")
    write_photos(tmp_path / "photos", 2)
    ran = detlite("quantize", "float", "-o", "int8", "--images", "photos")
    assert ran.status == 2
    assert f"the model takes {takes}" in ran.err
    assert not (tmp_path / "int8").exists()
