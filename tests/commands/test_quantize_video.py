"""`detlite quantize` with videos: streams, clips, and frames for models of images."""

import json

import pytest
from builders.command_line import Detlite
from builders.conv_streams import conv_stream
from builders.json_schemas import check_record
from builders.tiny_clips import clip_classifier
from builders.tiny_streams import clip_reader
from builders.tiny_tasks import classifier
from builders.tiny_videos import write_scenes


@pytest.fixture
def detlite(tmp_path):
    (tmp_path / "clips").mkdir()
    for name, greys in (("a.mkv", (0, 200)), ("b.mkv", (100,))):
        write_scenes(tmp_path / "clips" / name, *greys, each=12)
    conv_stream().save(tmp_path / "float")
    return Detlite(tmp_path)


def test_a_stream_is_calibrated_with_the_scenes_of_a_folder(detlite, tmp_path):
    ran = detlite("quantize", "float", "-o", "int8", "--videos", "clips", "--count", "18")
    assert ran.status == 0, ran.err
    assert "int8: int8, 18 calibration samples" in ran.out
    assert "since a stream's begin: " in ran.out
    assert "dB at frame 12" in ran.out
    contract = json.loads((tmp_path / "int8" / "contract.json").read_text())
    assert [one["dtype"] for one in contract["inputs"][1:]] == ["int8", "float32", "float32"]


def test_the_steps_of_a_stream_are_told_in_order(detlite):
    ran = detlite("quantize", "float", "-o", "int8", "--video", "clips/a.mkv", "--count", "9")
    assert [line.split(":")[0] for line in ran.err.splitlines() if line.startswith("step ")] == [
        f"step {number} of 4" for number in (1, 2, 3, 4)
    ]


def test_a_damaged_video_is_named_and_the_others_calibrate(detlite, tmp_path):
    (tmp_path / "clips" / "c.mkv").write_bytes((tmp_path / "clips" / "a.mkv").read_bytes()[:300])
    ran = detlite("quantize", "float", "-o", "int8", "--videos", "clips", "--count", "18")
    assert ran.status == 1
    assert "int8: int8, 18 calibration samples" in ran.out
    assert "left out: " in ran.err
    assert "c.mkv is truncated, damaged or not a video" in ran.err
    step = json.loads((tmp_path / "int8" / "history.json").read_text())["steps"][-1]
    assert (step["videos"], len(step["unread_videos"])) == (3, 1)


def test_a_model_of_clips_is_judged_on_samples_that_are_clips(detlite, tmp_path):
    clip_reader().save(tmp_path / "clips_float")
    ran = detlite("quantize", "clips_float", "-o", "int8", "--videos", "clips", "--count", "4")
    assert ran.status == 0, ran.err
    assert "on 4 calibration samples" in ran.out


def test_the_error_by_frame_is_in_the_json_and_the_history(detlite, tmp_path):
    ran = detlite("quantize", "float", "-o", "int8", "--video", "clips/a.mkv", "--count", "9", "--json")
    assert ran.status == 0, ran.err
    answer = json.loads(ran.out)
    assert [one["frame"] for one in answer["error_by_frame"]] == [1, 12]
    step = json.loads((tmp_path / "int8" / "history.json").read_text())["steps"][-1]
    assert step["error_by_frame"] == answer["error_by_frame"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--videos", "missing"), "missing is no folder: give a folder of videos"),
        (("--videos", "float"), "float has no video: give a folder with .mp4"),
        (("--video", "float/contract.json"), "is truncated, damaged or not a video"),
        (("--videos", "clips", "--lint"), "--lint checks images, and the model takes video"),
        (("--videos", "clips", "--curve", "1,2"), "--curve needs many independent images or clips"),
        (("--videos", "clips", "--min-fidelity", "90"), "--min-fidelity needs many independent images or clips"),
    ],
)
def test_what_a_stream_cannot_be_quantized_with_is_one_line(detlite, tmp_path, options, says):
    ran = detlite("quantize", "float", "-o", "int8", *options)
    assert ran.status == 2
    assert says in ran.err
    told = [line for line in ran.err.splitlines() if not line.startswith(("step ", "videos looked at"))]
    assert [line.split(":")[0] for line in told] == ["detlite"]
    assert not (tmp_path / "int8").exists()


def test_a_model_of_images_is_calibrated_with_frames_of_the_videos(detlite, tmp_path):
    classifier().save(tmp_path / "images")
    ran = detlite("quantize", "images", "-o", "int8", "--videos", "clips", "--count", "5")
    assert ran.status == 0, ran.err
    assert "int8: int8, 5 calibration" in ran.out


def test_an_explanation_shows_how_the_error_grows(detlite, tmp_path):
    ran = detlite("quantize", "float", "-o", "int8", "--videos", "clips", "--count", "18", "--explain", "--json")
    assert ran.status == 0, ran.err
    found = json.loads(ran.out)["growth"]
    assert found["frames"] == [1, 12]
    assert [(one["name"], one["dtype"]) for one in found["states"]] == [
        ("buffer", "int8"),
        ("mean", "float32"),
        ("count", "float32"),
    ]
    assert len(found["states"][0]["db"]) == 2
    assert found["states"][2]["db"] == []  # a count is exact
    assert "classes" in {one["name"] for one in found["tensors"]}
    assert found["verdict"].startswith("The error ")
    assert "How the error of the int8 stream grows" in (tmp_path / "int8" / "explanation.html").read_text()
    written = json.loads((tmp_path / "int8" / "explanation.json").read_text())
    check_record(written)
    assert written["outputs"] == found["outputs"]


@pytest.fixture
def of_clips(detlite, tmp_path):
    """A float classifier of clips in `clips_float`, and other videos to judge on in `others`."""
    (tmp_path / "others").mkdir()
    write_scenes(tmp_path / "others" / "c.mkv", 50, 150, 230, each=12)
    clip_classifier().save(tmp_path / "clips_float")
    return detlite


def test_an_error_budget_of_a_model_of_clips_is_judged_on_clips_of_other_videos(of_clips):
    ran = of_clips(
        *("quantize", "clips_float", "-o", "int8", "--videos", "clips", "--count", "6", "--validation", "others"),
        *("--max-error", "logits=0.5", "--json"),
    )
    assert ran.status == 0, ran.err
    found = json.loads(ran.out)
    assert (found["scored_images_are_others"], found["scored_calibration_images"]) == (True, 0)
    assert found["scored_images"] == 9  # three clips of each scene
    (reached,) = found["mixed"]["reached"]
    assert reached["value"] <= reached["high"] <= 0.5


def test_a_budget_of_clips_that_int8_misses_leaves_operators_float(of_clips):
    plain = of_clips("quantize", "clips_float", "-o", "plain", "--videos", "clips", "--count", "6", "--json")
    most = json.loads(plain.out)["error"]["logits"]["rms"] * 0.9
    ran = of_clips(
        *("quantize", "clips_float", "-o", "int8", "--videos", "clips", "--count", "6", "--max-error"),
        *(f"logits={most}", "--json"),
    )
    assert ran.status in (0, 1), ran.err
    assert json.loads(ran.out)["mixed"]["float_operators"] if ran.status == 0 else "is out of reach" in ran.err


def test_a_model_of_clips_is_explained_operator_by_operator(of_clips, tmp_path):
    ran = of_clips("quantize", "clips_float", "-o", "int8", "--videos", "clips", "--count", "6", "--explain", "--json")
    assert ran.status == 0, ran.err
    found = json.loads(ran.out)["explanation"]
    assert {one["blame"]["name"] for one in found["suspects"]} == {"first", "second"}
    assert "The worst operator is CONV_2D" in found["verdict"]
    assert "for which both models put the same class first" in (tmp_path / "int8" / "explanation.html").read_text()
    check_record(json.loads((tmp_path / "int8" / "explanation.json").read_text()))


def test_a_curve_of_clips_has_a_point_for_each_number_of_clips(of_clips):
    ran = of_clips(
        *("quantize", "clips_float", "-o", "int8", "--videos", "clips", "--curve", "2,4", "--validation", "others"),
        "--json",
    )
    assert ran.status == 0, ran.err
    found = json.loads(ran.out)
    assert [(one["images"], one["choices"]) for one in found["points"]] == [(2, 2), (4, 1)]
    assert found["points"][0]["error"]["images"] == 9
    assert "unread_videos" not in found


def test_a_curve_of_clips_says_clips_and_names_damaged_videos(of_clips, tmp_path):
    for folder in ("clips", "others"):
        (tmp_path / folder / f"{folder}.mkv").write_bytes((tmp_path / "clips" / "a.mkv").read_bytes()[:300])
    ran = of_clips(
        "quantize", "clips_float", "-o", "int8", "--videos", "clips", "--curve", "2,4", "--validation", "others"
    )
    assert ran.status == 1
    assert "quantize with 2 clips, and judge" in ran.err
    assert "judged on 9 clips: want at least 100" in ran.err
    assert "On 9 clips: " in ran.out
    assert "image" not in ran.out
    assert all(f"{folder}/{folder}.mkv is truncated" in ran.err for folder in ("clips", "others"))
    assert "left out: 2" in ran.err


def test_a_curve_asks_for_no_more_clips_than_can_be_cut(of_clips):
    ran = of_clips("quantize", "clips_float", "-o", "int8", "--videos", "clips", "--curve", "2,500")
    assert ran.status == 2
    assert "--curve needs 500 clips, but " in ran.err


def test_all_clips_are_one_choice(of_clips):
    ran = of_clips("quantize", "clips_float", "-o", "int8", "--videos", "clips", "--curve", "2,500")
    most = ran.err.split("500 clips, but ")[1].split()[0]
    ran = of_clips("quantize", "clips_float", "-o", "int8", "--videos", "clips", "--curve", f"2,{most}", "--json")
    assert ran.status == 0, ran.err
    few, most_of_all = json.loads(ran.out)["points"]
    assert (few["choices"], most_of_all["choices"]) == (2, 1)


def test_videos_that_calibrate_are_no_videos_to_judge_on(of_clips, tmp_path):
    given = ("quantize", "clips_float", "-o", "int8", "--videos", "clips", "--count", "6", "--explain", "--json")
    ran = of_clips(*given, "--validation", "clips")
    assert ran.status == 2
    assert "--validation clips has no video besides the calibration videos: give others" in ran.err
    (tmp_path / "others" / "a.mkv").symlink_to(tmp_path / "clips" / "a.mkv")
    ran = of_clips(*given, "--validation", "others")
    assert ran.status == 0, ran.err
    assert "1 validation video is left out: calibrated with" in ran.err
    found = json.loads(ran.out)
    assert (found["scored_images"], found["scored_images_are_others"]) == (9, True)


def test_a_damaged_video_to_judge_on_is_named(of_clips, tmp_path):
    (tmp_path / "others" / "d.mkv").write_bytes((tmp_path / "clips" / "a.mkv").read_bytes()[:300])
    ran = of_clips(
        *("quantize", "clips_float", "-o", "int8", "--videos", "clips", "--count", "6", "--explain"),
        *("--validation", "others"),
    )
    assert ran.status == 1
    assert "others/d.mkv is truncated, damaged or not a video" in ran.err
    assert (tmp_path / "int8" / "model.tflite").exists()
