"""`detlite run` on a folder of videos: streams and models of clips, from a finished float model to the report."""

import json

import pytest
from builders.command_line import Detlite
from builders.conv_streams import conv_stream
from builders.json_schemas import check_record
from builders.tf_vision_models import TfVisionGolden
from builders.tiny_streams import clip_reader
from builders.tiny_tasks import classifier
from builders.tiny_videos import write_scenes

pytestmark = pytest.mark.slow


@pytest.fixture
def detlite(tmp_path):
    (tmp_path / "clips").mkdir()
    for number, name in enumerate("abcde"):
        write_scenes(tmp_path / "clips" / f"{name}.mkv", 20 * number, 200 - 30 * number, each=12)
    return Detlite(tmp_path)


@pytest.mark.parametrize("model", [conv_stream, clip_reader])
def test_a_model_of_video_is_calibrated_compared_and_measured(detlite, tmp_path, model):
    model().save(tmp_path / "model")
    ran = detlite("run", "model", "--videos", "clips", "-o", "out", "--count", 18, "--min-fidelity", 0, "--json")
    assert ran.status == 0, ran.err
    record = json.loads(ran.out)
    check_record(record)
    assert (record["images"], record["coco"], record["parity"]) == (3, None, None)
    assert list(record["artifacts"]) == ["float32", "int8"]
    (step,) = json.loads((tmp_path / "out" / "int8" / "history.json").read_text())["steps"][-1:]
    assert step["videos"] == 2
    page = (tmp_path / "out" / "report.html").read_text()
    assert "the share of videos at whose end the int8 model&#39;s best class" in page
    assert "judged on 3 videos: want at least" in page
    text = (tmp_path / "out" / "report.md").read_text()
    assert ", 3 videos |" in text
    assert "| 3 videos | at the end of each video;" in text
    assert 'data-name="Scored on">3 videos<' in page
    assert "| frames of a clip |" in text or "| state " in text
    assert "anchors" not in text


@pytest.mark.data
def test_a_stream_of_a_checkpoint_is_compared_with_its_graph_over_successive_frames(detlite, tmp_path, shared_data):
    reference = TfVisionGolden("movinet_a0_stream")
    checkpoint = reference.write_checkpoint(tmp_path)
    ran = detlite(
        *("run", "--config", reference.config, "--checkpoint", checkpoint, "--videos", "clips", "-o", "out"),
        *("--count", 4, "--min-fidelity", 0, "--json"),
    )
    assert ran.status == 0, ran.err
    parity = json.loads(ran.out)["parity"]
    assert list(parity) == ["class_scores_max_difference", "tolerance", "passed"]
    assert parity["class_scores_max_difference"] < 1e-5


def test_a_run_on_videos_is_resumed_where_it_was_and_a_damaged_video_is_a_caution(detlite, tmp_path):
    conv_stream().save(tmp_path / "model")
    (tmp_path / "clips" / "f.mkv").write_bytes(b"no video")
    asked = ("run", "model", "--videos", "clips", "-o", "out", "--count", 18, "--min-fidelity", 0)
    assert "caution: left out: clips/f.mkv is truncated, damaged or not a video" in detlite(*asked).err
    assert "already done and kept: convert, quantize" in detlite(*asked).err


@pytest.mark.parametrize(
    ("model", "images", "error"),
    [
        (conv_stream, ("--images", "photos"), "model takes video: give --videos FOLDER"),
        (classifier, ("--videos", "clips"), "model is a classifier: a run takes detectors and classifiers of video"),
        (conv_stream, ("--videos", "photos"), "photos has no video: give a folder with .mp4"),
        (conv_stream, ("--videos", "clips", "--images", "photos"), "give one of --coco, --images and --videos"),
    ],
)
def test_what_a_run_does_not_take_is_one_line(detlite, tmp_path, model, images, error):
    model().save(tmp_path / "model")
    (tmp_path / "photos").mkdir()
    for name in "ab":
        (tmp_path / "photos" / f"{name}.ppm").write_bytes(b"P6 1 1 255\n\0\0\0")
    ran = detlite("run", "model", *images, "-o", "out")
    assert (ran.status, ran.out) == (2, "")
    assert error in ran.err.splitlines()[-1]
