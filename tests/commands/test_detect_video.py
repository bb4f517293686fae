"""`detlite detect` on videos: streams with states, clips in windows, scenes, rates, and damaged files."""

import json
import signal
import time

import numpy as np
import pytest
from builders.command_line import Detlite
from builders.json_schemas import check_record
from builders.tiny_streams import clip_reader, running_sum
from builders.video_files import grey, write_sound, write_video

from detlite.accuracy.video import count_frames
from detlite.library.runs import detect as library_detect


@pytest.fixture
def detlite(tmp_path):
    running_sum().save(tmp_path / "stream")
    clip_reader(frames=3, stride=2).save(tmp_path / "clips")
    write_video(tmp_path / "a.mkv", [grey(10 * n) for n in range(1, 5)])
    return Detlite(tmp_path)


def found(detlite, *arguments):
    ran = detlite("detect", *arguments, "--json")
    assert ran.status == 0, ran.err
    record = json.loads(ran.out)
    check_record(record)
    return record


def scores(listed):
    return {one["class"]: round(one["score"]) for one in listed}


def test_a_stream_answers_at_each_frame_and_at_the_end(detlite):
    record = found(detlite, "stream", "a.mkv")
    answers = [(one["frame"], scores(one["ranking"])[0]) for one in record["images"]]
    assert answers == [(0, 10), (1, 30), (2, 60), (3, 100)]
    (whole,) = record["videos"]
    assert (whole["video"], whole["frames"], whole["answers"]) == ("a.mkv", 4, 4)
    assert scores(whole["ranking"]) == {0: 100}


def test_each_video_is_a_stream_of_its_own(detlite):
    write_video(detlite.folder / "b.mkv", [grey(1)])
    record = found(detlite, "stream", "a.mkv", "b.mkv")
    assert [scores(one["ranking"])[0] for one in record["videos"]] == [100, 1]


def test_a_model_of_clips_answers_after_each_window(detlite):
    write_video(detlite.folder / "b.mkv", [grey(10 * n) for n in range(8)])
    record = found(detlite, "clips", "b.mkv")
    first, last = record["images"]
    assert (first["first_frame"], first["frame"], scores(first["ranking"])) == (0, 5, {2: 40, 1: 20, 0: 0})
    assert (last["first_frame"], last["frame"], scores(last["ranking"])) == (2, 7, {2: 60, 1: 40, 0: 20})
    (whole,) = record["videos"]
    assert (whole["answers"], scores(whole["ranking"])) == (2, {2: 50, 1: 30, 0: 10})


def test_a_video_shorter_than_a_window_begins_again_at_its_end(detlite):
    record = found(detlite, "clips", "a.mkv")
    (only,) = record["images"]
    assert (only["first_frame"], only["frame"], scores(only["ranking"])) == (0, 3, {1: 30, 0: 10, 2: 10})


def test_a_video_of_one_frame_is_read(detlite):
    write_video(detlite.folder / "one.mkv", [grey(7)])
    assert scores(found(detlite, "clips", "one.mkv")["images"][0]["ranking"]) == {0: 7, 1: 7, 2: 7}
    assert scores(found(detlite, "stream", "one.mkv")["images"][0]["ranking"]) == {0: 7}


def test_frames_are_taken_at_the_rate_that_is_asked_for(detlite):
    write_video(detlite.folder / "b.mkv", [grey(n) for n in (1, 2, 4, 8)], times_s=[0.0, 0.1, 0.2, 0.3])
    record = found(detlite, "stream", "b.mkv", "--fps", 5)
    assert [scores(one["ranking"])[0] for one in record["images"]] == [1, 5]


def test_a_stream_begins_anew_at_a_scene_if_that_is_asked_for(detlite):
    write_video(detlite.folder / "b.mkv", [grey(n) for n in (10, 11, 200, 201)])
    record = found(detlite, "stream", "b.mkv", "--scenes")
    assert [(one["scene"], scores(one["ranking"])[0]) for one in record["images"]] == [
        (0, 10),
        (0, 21),
        (1, 200),
        (1, 401),
    ]
    assert [scores(one["ranking"])[0] for one in found(detlite, "stream", "b.mkv")["images"]] == [10, 21, 221, 422]


def test_text_says_what_a_video_shows_at_its_end(detlite):
    ran = detlite("detect", "clips", "a.mkv")
    assert "a.mkv: 4 frames in 1 window; thing 1 in 1\n" in ran.out
    assert "thing 1, at the end\n" in ran.out


@pytest.mark.parametrize("model", ["stream", "clips"])
def test_a_drawn_video_keeps_the_times_of_its_frames(detlite, model):
    av = pytest.importorskip("av")
    times = [0.0, 0.1, 0.5, 0.55, 1.2, 1.3, 1.4]
    write_video(detlite.folder / "b.mkv", [grey(0)] * 7, times_s=times)
    assert detlite("detect", model, "b.mkv", "--draw", "drawn.mp4").status == 0
    with av.open(str(detlite.folder / "drawn.mp4")) as container:
        frames = list(container.decode(video=0))
    assert [frame.time for frame in frames] == pytest.approx(times, abs=0.001)
    is_labelled = [len(np.unique(frame.to_ndarray(format="rgb24"))) > 8 for frame in frames]
    assert is_labelled == ([True] * 7 if model == "stream" else [False] * 5 + [True] * 2)


def test_a_file_with_sound_alone_is_named_and_the_others_are_done(detlite):
    write_sound(detlite.folder / "sound.mkv")
    ran = detlite("detect", "stream", "sound.mkv", "a.mkv", "--json")
    record = json.loads(ran.out)
    assert (ran.status, [one["video"] for one in record["videos"]]) == (1, ["a.mkv"])
    assert record["unread"][0]["error"].startswith("sound.mkv has no video stream: give a video")


def test_what_was_decoded_of_a_video_that_is_cut_short_is_told(detlite):
    noise = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
    path = write_video(detlite.folder / "cut.mkv", [noise] * 40)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    ran = detlite("detect", "stream", "cut.mkv", "--draw", "drawn.mp4", "--json")
    record = json.loads(ran.out)
    assert ran.status == 1
    assert record["videos"][0]["frames"] == len(record["images"]) == count_frames(detlite.folder / "drawn.mp4") >= 15
    assert "cut.mkv is cut short: it ends after" in record["unread"][0]["error"]


def test_an_interrupted_run_leaves_nothing_of_a_drawn_video(detlite):
    write_video(detlite.folder / "long.mkv", [grey(n, 240, 320) for n in range(200)])
    process = detlite.start("detect", "stream", "long.mkv", "--draw", "drawn.mp4")
    deadline = time.monotonic() + 60
    while not (detlite.folder / ".drawn.partial.mp4").exists():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert not list(detlite.folder.glob("*drawn*")) + list(detlite.folder.glob(".drawn*"))


def test_json_of_a_video_is_written_as_it_is_from_memory(detlite):
    run = library_detect(detlite.folder / "stream", detlite.folder / "a.mkv")
    assert run.to_record(0.3)["images"] == list(run.streamed_record(0.3)["images"])
    record = found(detlite, "stream", "a.mkv")
    assert [one["ranking"] for one in record["images"]] == [one["ranking"] for one in run.to_record(0.3)["images"]]


def test_results_are_read_from_their_file_when_they_are_used(detlite):
    images = library_detect(detlite.folder / "stream", detlite.folder / "a.mkv").images
    assert (len(images), images[-1].frame, [one.frame for one in images[1:3]]) == (4, 3, [1, 2])
    assert [one.frame for one in images] == [one.frame for one in images] == [0, 1, 2, 3]
