"""`detlite detect` on a tiny model: results, pictures, broken images, and what is refused."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from builders.command_line import Detlite
from builders.image_files import save_oriented
from builders.model_files import write_photos
from builders.tiny_classifier import save_classifier
from builders.tiny_tflite import save_tiny, tiny_contract

from detlite.runtime.artifact import read_artifact
from detlite.runtime.image.read import read_image
from detlite.runtime.session import Session


@pytest.fixture
def detlite(tmp_path):
    contract = tiny_contract()
    contract = contract.with_image(replace(contract.image, std=(255.0,)))  # pixels become scores in 0..1
    save_tiny(tmp_path / "tiny", contract)
    write_photos(tmp_path / "photos", 3)
    return Detlite(tmp_path)


def video(path, frames=4):
    av = pytest.importorskip("av")
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=5)
        stream.width, stream.height = 64, 48
        for number in range(frames):
            pixels = np.full((48, 64, 3), 40 * number, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())
    return path


def test_json_holds_the_detections_of_each_image(detlite):
    ran = detlite("detect", "tiny", "photos", "--json", "--score-threshold", 0)
    record = json.loads(ran.out)
    assert (ran.status, record["schema"], record["score_threshold"]) == (0, "detlite.detections", 0)
    assert [(one["image"], one["height"], one["width"]) for one in record["images"]] == [
        (f"photos/{i}.png", 60, 80) for i in range(3)
    ]
    artifact = read_artifact(detlite.folder / "tiny")
    found = Session(artifact).run(read_image(detlite.folder / "photos" / "1.png"))
    listed = record["images"][1]["detections"]
    assert [one["box"] for one in listed] == found.boxes.tolist()
    assert [one["class"] for one in listed] == found.classes.tolist()
    assert [one["label"] for one in listed] == [artifact.contract.labels[i] for i in found.classes]
    assert [one["score"] for one in listed] == found.scores.tolist()


def test_a_quiet_command_writes_no_progress_and_no_notices(detlite):
    (detlite.folder / "photos" / "notes.txt").write_bytes(b"")
    ran = detlite("detect", "tiny", "photos", "-q")
    assert (ran.status, ran.err) == (0, "")
    assert "in 3 images" in ran.out


def test_a_quiet_command_still_says_what_is_wrong(detlite):
    ran = detlite("detect", "tiny", "gone.jpg", "-q")
    assert (ran.status, ran.out) == (2, "")
    assert "gone.jpg does not exist" in ran.err


def test_a_verbose_command_writes_progress_with_its_time(detlite):
    steps = [line for line in detlite("detect", "tiny", "photos", "-v").err.splitlines() if "images: " in line]
    assert steps[-1].endswith("images: 3/3")
    assert all(re.match(r" *\d+\.\d s  images: \d/3$", line) for line in steps)


def test_skipped_files_of_a_folder_are_counted_and_named(detlite):
    (detlite.folder / "photos" / "IMG_1.HEIC").write_bytes(b"")
    ran = detlite("detect", "tiny", "photos")
    assert ran.status == 0
    assert "photos: 1 HEIC photograph was skipped: IMG_1.HEIC; convert to JPEG" in ran.err


def test_the_threshold_leaves_out_lower_scores(detlite):
    record = json.loads(detlite("detect", "tiny", "photos/0.png", "--json", "--score-threshold", 0).out)
    scores = [one["score"] for one in record["images"][0]["detections"]]
    middle = sorted(scores)[len(scores) // 2]
    few = json.loads(detlite("detect", "tiny", "photos/0.png", "--json", "--score-threshold", middle).out)
    assert [one["score"] for one in few["images"][0]["detections"]] == [one for one in scores if one >= middle]


def test_text_lists_what_is_found_and_ends_with_the_count(detlite):
    ran = detlite("detect", "tiny", "photos/0.png", "--score-threshold", 0)
    first, *_rest, last = ran.out.splitlines()
    assert first.startswith("photos/0.png: ")
    assert last.startswith("tiny/model.tflite: ")
    assert last.endswith(" with a score of 0 or more in 1 image")


def test_pictures_are_drawn_to_a_folder(detlite):
    assert detlite("detect", "tiny", "photos", "--draw", "drawn", "--score-threshold", 0).status == 0
    assert sorted(path.name for path in (detlite.folder / "drawn").iterdir()) == ["0.png", "1.png", "2.png"]
    assert read_image(detlite.folder / "drawn" / "0.png").shape == (240, 320, 3)  # of 60 x 80, enlarged


def test_a_picture_that_exists_is_not_replaced_without_force(detlite):
    (detlite.folder / "found.png").write_bytes(b"mine")
    ran = detlite("detect", "tiny", "photos/0.png", "--draw", "found.png")
    assert ran.status == 2
    assert "found.png exists already" in ran.err
    assert (detlite.folder / "found.png").read_bytes() == b"mine"
    assert detlite("detect", "tiny", "photos/0.png", "--draw", "found.png", "--force").status == 0


def test_a_broken_image_is_named_and_the_others_are_done(detlite):
    (detlite.folder / "photos" / "1.png").write_bytes(b"no image")
    ran = detlite("detect", "tiny", "photos", "--json", "--draw", "drawn")
    record = json.loads(ran.out)
    assert ran.status == 1
    assert [one["image"] for one in record["images"]] == ["photos/0.png", "photos/2.png"]
    assert [one["image"] for one in record["unread"]] == ["photos/1.png"]
    assert "not read: photos/1.png is no image, or is damaged" in ran.err
    assert ran.err.splitlines()[-1] == "detlite: 1 of 3 inputs could not be read; the others are done"
    assert sorted(path.name for path in (detlite.folder / "drawn").iterdir()) == ["0.png", "2.png"]


def test_broken_images_alone_are_bad_input(detlite):
    (detlite.folder / "a.png").write_bytes(b"no image")
    ran = detlite("detect", "tiny", "a.png")
    assert (ran.status, ran.out) == (2, "")
    assert "detlite: no input could be read: a.png is no image" in ran.err


def test_a_video_gives_its_frames_with_their_times(detlite):
    video(detlite.folder / "clip.mp4")
    record = json.loads(detlite("detect", "tiny", "clip.mp4", "--json").out)
    assert [one["frame"] for one in record["images"]] == [0, 1, 2, 3]
    assert [one["time_s"] for one in record["images"]] == pytest.approx([0.0, 0.2, 0.4, 0.6])


def test_a_video_is_drawn_to_a_video(detlite):
    av = pytest.importorskip("av")
    video(detlite.folder / "clip.mkv")
    assert detlite("detect", "tiny", "clip.mkv", "--draw", "drawn").status == 0
    assert [path.name for path in (detlite.folder / "drawn").iterdir()] == ["clip.mp4"]
    with av.open(str(detlite.folder / "drawn" / "clip.mp4")) as container:
        assert (container.streams.video[0].average_rate, len(list(container.decode(video=0)))) == (5, 4)


def test_a_damaged_video_does_not_stop_the_images(detlite):
    pytest.importorskip("av")
    (detlite.folder / "clip.mp4").write_bytes(b"no video")
    ran = detlite("detect", "tiny", "clip.mp4", "photos/0.png", "--json")
    assert ran.status == 1
    assert "clip.mp4 is truncated, damaged or not a video" in json.loads(ran.out)["unread"][0]["error"]


@pytest.mark.parametrize("model", ["nothing", "photos", "photos/0.png"])
def test_what_is_no_model_is_refused_in_one_line(detlite, model):
    ran = detlite("detect", model, "photos")
    assert (ran.status, ran.out) == (2, "")
    assert len(ran.err.splitlines()) == 1


def test_coco_results_are_of_pixels_and_hold_every_score(detlite):
    (detlite.folder / "photos" / "0.png").rename(detlite.folder / "000000000139.png")
    ran = detlite("detect", "tiny", "000000000139.png", "--coco-json", "found.json", "--json", "--score-threshold", 0)
    rows = json.loads((detlite.folder / "found.json").read_text())
    listed = json.loads(ran.out)["images"][0]["detections"]
    assert {row["image_id"] for row in rows} == {139}
    assert [row["score"] for row in rows] == [one["score"] for one in listed]
    assert [row["category_id"] for row in rows] == [one["class"] + 1 for one in listed]
    y1, x1, y2, x2 = listed[0]["box"]
    assert rows[0]["bbox"] == pytest.approx([x1 * 80, y1 * 60, (x2 - x1) * 80, (y2 - y1) * 60])
    assert f"{len(rows)} detections written to found.json; category ids: the number of the class + 1" in ran.err


def test_photographs_are_upright_and_coco_results_are_for_the_stored_pixels(detlite):
    pixels = read_image(detlite.folder / "photos" / "0.png")
    save_oriented(detlite.folder / "000000000139.png", pixels, 8)
    given = ("detect", "tiny", "000000000139.png", "--json")
    upright = json.loads(detlite(*given, "--draw", "upright.png").out)
    stored = json.loads(detlite(*given, "--coco-json", "found.json").out)
    sizes = [(one["orientation"], one["images"][0]["height"], one["images"][0]["width"]) for one in (upright, stored)]
    assert sizes == [("upright", 80, 60), ("stored", 60, 80)]
    drawn = read_image(detlite.folder / "upright.png")
    assert drawn.shape[0] > drawn.shape[1]


def test_an_image_without_a_number_needs_annotations_for_its_id(detlite):
    (detlite.folder / "photo.png").write_bytes((detlite.folder / "photos" / "0.png").read_bytes())
    ran = detlite("detect", "tiny", "photo.png", "--coco-json", "found.json")
    assert (ran.status, ran.out) == (2, "")
    assert "photo.png does not say its id, as COCO's 000000000139.jpg does: give --coco-annotations FILE" in ran.err


@pytest.mark.parametrize(
    ("out", "text"), [("gone/found.json", "cannot write gone/found.json: No such file"), ("photos", "is a folder")]
)
def test_a_results_file_that_cannot_be_written_is_told_before_any_work(detlite, out, text):
    (detlite.folder / "photos" / "0.png").rename(detlite.folder / "000000000139.png")
    ran = detlite("detect", "tiny", "000000000139.png", "--coco-json", out, "--draw", "drawn.png", "--force")
    assert (ran.status, ran.out) == (2, "")
    assert text in ran.err
    assert not (detlite.folder / "drawn.png").exists()


def test_a_results_file_is_not_replaced_without_force(detlite):
    (detlite.folder / "found.json").write_text("mine")
    ran = detlite("detect", "tiny", "photos", "--coco-json", "found.json")
    assert ran.status == 2
    assert "found.json already exists" in ran.err
    assert (detlite.folder / "found.json").read_text() == "mine"


def test_annotations_without_a_results_file_are_refused(detlite):
    ran = detlite("detect", "tiny", "photos", "--coco-annotations", "instances.json")
    assert (ran.status, ran.err) == (2, "detlite: --coco-annotations needs --coco-json FILE\n")


def test_a_classifier_gives_its_best_five_classes_whatever_their_scores(detlite):
    save_classifier(detlite.folder / "classifier")
    ran = detlite("detect", "classifier", "photos/0.png", "--json", "--draw", "ranked.png", "--score-threshold", 1)
    (image,) = json.loads(ran.out)["images"]
    scores = [one["score"] for one in image["ranking"]]
    assert scores == sorted(scores, reverse=True)
    assert 0 < len(scores) <= 5
    assert "detections" not in image
    assert {"class", "label", "score"} == set(image["ranking"][0])
    assert (detlite.folder / "ranked.png").is_file()


def test_text_does_not_say_that_a_ranking_has_a_score_over_the_threshold(detlite):
    save_classifier(detlite.folder / "classifier")
    lines = detlite("detect", "classifier", "photos", "--score-threshold", 1).out.splitlines()
    assert lines[-1] == "classifier/model.tflite: the best classes of 3 images"


def test_a_ranking_is_no_coco_result(detlite):
    save_classifier(detlite.folder / "classifier")
    (detlite.folder / "000000000139.png").write_bytes((detlite.folder / "photos" / "0.png").read_bytes())
    ran = detlite("detect", "classifier", "000000000139.png", "--coco-json", "found.json")
    assert (ran.status, ran.out) == (2, "")
    assert "the model is a classifier: drop --coco-json" in ran.err
