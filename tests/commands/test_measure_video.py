"""`detlite measure` of models of video: a camera's pace, frames of a video, and what is refused."""

import json

import pytest
from builders.command_line import Detlite
from builders.json_schemas import check_record
from builders.tiny_streams import clip_reader, running_sum
from builders.video_files import grey, write_video

SHORT = ("--processes", 1, "--queries", 40, "--min-seconds", 0, "--json")


@pytest.fixture
def detlite(tmp_path):
    running_sum().save(tmp_path / "stream")
    clip_reader().save(tmp_path / "clips")
    write_video(tmp_path / "a.mkv", [grey(n) for n in range(20)])
    return Detlite(tmp_path)


@pytest.mark.parametrize("model", ["stream", "clips"])
def test_frames_of_a_video_come_at_the_pace_of_a_camera(detlite, model):
    ran = detlite("measure", model, "--scenario", "camera", "--fps", 200, "--video", "a.mkv", *SHORT)
    record = json.loads(ran.out)
    check_record(record)
    assert (record["metric"]["name"], record["protocol"]["interval_ms"]) == ("latency_p99_ms", 5)
    assert record["figures"]["camera_frames_per_second"] == pytest.approx(200)
    assert [image["name"] for image in record["images"][:2]] == ["a-000000.npy", "a-000001.npy"]
    assert len(record["images"]) == 16
    assert all(image["decode_ns"] > 0 for image in record["images"])
    assert record["stages_p50_ms"]["decode"] > 0


def test_a_camera_has_thirty_frames_a_second_unless_another_rate_is_asked_for(detlite):
    arguments = ("--scenario", "camera", "--noise", "--processes", 1, "--queries", 2, "--min-seconds", 0, "--json")
    record = json.loads(detlite("measure", "stream", *arguments).out)
    assert record["protocol"]["interval_ms"] == pytest.approx(1000 / 30)


def test_two_runs_at_a_cameras_pace_are_compared(detlite):
    arguments = ("--scenario", "camera", "--fps", 500, "--noise", *SHORT)
    (detlite.folder / "a.json").write_text(detlite("measure", "stream", *arguments).out)
    ran = detlite("compare", "a.json", "a.json", "--allow-different", "validity", "--json")
    assert ran.status == 0, ran.err
    assert "latency_p50" in ran.out
    assert '"dropped_share"' not in ran.out


def test_text_counts_late_and_dropped_frames(detlite):
    arguments = ("--scenario", "camera", "--fps", 0.5, "--noise", "--processes", 1, "--queries", 1, "--min-seconds", 0)
    assert "0.5 a second, 0 dropped, 0 late\n" in detlite("measure", "stream", *arguments).out


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("--scenario", "offline", "--fps", 30), "--fps is the rate of camera and multi-stream"),
        (("--video", "a.mkv", "--images", "stream"), "--video cannot be combined with --images or --noise"),
        (("--video", "stream"), "stream is truncated, damaged or not a video"),
        (("--scenario", "camera", "--preset", "mlperf-v1.0-ssd-mobilenet"), "has no settings for camera"),
    ],
)
def test_what_cannot_be_measured_is_one_line(detlite, arguments, error):
    ran = detlite("measure", "stream", *arguments)
    assert (ran.status, ran.out) == (2, "")
    assert error in ran.err.splitlines()[-1]
