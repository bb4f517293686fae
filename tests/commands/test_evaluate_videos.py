"""`detlite evaluate` on videos: labels of Kinetics and of folders, views, and agreement answer by answer."""

import json
from dataclasses import replace

import pytest
from builders.command_line import Detlite
from builders.json_schemas import check_record
from builders.tiny_streams import clip_reader, running_sum
from builders.video_files import grey, write_video

from detlite.library.runs import agreement
from detlite.runtime.child import watching_memory

HEADER = "label,youtube_id,time_start,time_end,split\n"


def named(model, *labels):
    return replace(model, contract=replace(model.contract, labels=labels))


@pytest.fixture
def detlite(tmp_path):
    """Models whose class is the brightest of three frames; videos that get brighter, darker, and brighter."""
    named(clip_reader(frames=3, stride=2), "first", "middle", "last").save(tmp_path / "clips")
    folder = tmp_path / "videos"
    (folder / "up").mkdir(parents=True)
    write_video(folder / "up" / "a_000001_000002.mkv", [grey(10 * n) for n in range(6)])
    write_video(folder / "b_000010_000012.mkv", [grey(100 - 10 * n) for n in range(6)])
    write_video(folder / "c.mkv", [grey(10 * n) for n in range(6)])
    table = HEADER + "last,a,1,2,val\nfirst,b,10,12,val\nfirst,c,4,9,val\nlast,gone,1,2,val\n"
    (tmp_path / "kinetics.csv").write_text(table)
    return Detlite(tmp_path)


def scored(detlite, *arguments):
    ran = detlite("evaluate", *arguments, "--json")
    assert ran.status == 0, ran.err
    record = json.loads(ran.out)
    check_record(record)
    return record


def test_videos_are_scored_by_the_labels_of_kinetics(detlite):
    record = scored(detlite, "clips", "--videos", "videos", "--kinetics", "kinetics.csv")
    assert (record["images"], round(record["top1"], 1)) == (3, 66.7)
    assert record["protocol"]["annotations"] == "kinetics, 1 of 4 videos missing"
    assert record["protocol"]["views"] == {"clips": 1, "crops": 1, "frames": None, "stride": None}
    text = detlite("evaluate", "clips", "--videos", "videos", "--kinetics", "kinetics.csv").out
    assert "3, 1 clip of 1 crop each" in text
    assert text.endswith("clips: top-1 66.67 % on 3 videos\n")


def test_videos_in_a_folder_for_each_class_are_scored(detlite):
    for name, values in (("first", (9, 5, 1)), ("last", (1, 5, 9)), ("middle", (1, 5, 9))):
        (detlite.folder / "classes" / name).mkdir(parents=True)
        frames = [grey(10 * value) for value in values for _ in range(2)]
        write_video(detlite.folder / "classes" / name / "x.mkv", frames)
    record = scored(detlite, "clips", "--video-folders", "classes")
    assert {one["class"]: one["top1"] for one in record["per_class"]} == {"first": 100, "last": 100, "middle": 0}


def test_scores_are_averaged_over_clips_and_crops(detlite):
    """Of 12 frames, the clips 0, 2, 4 and 6, 8, 10 have the means 3, 5, 7 times ten."""
    (detlite.folder / "one" / "last").mkdir(parents=True)
    write_video(detlite.folder / "one" / "last" / "x.mkv", [grey(10 * n) for n in range(12)])
    arguments = ("clips", "--video-folders", "one", "--clips", 2, "--crops", 3, "--save-detections", "lines.jsonl")
    assert scored(detlite, *arguments)["protocol"]["views"]["crops"] == 3
    line = json.loads((detlite.folder / "lines.jsonl").read_text().splitlines()[1])
    assert line["scores"] == pytest.approx([30, 50, 70], abs=0.01)


def test_two_streams_are_compared_frame_by_frame_and_at_the_end(detlite):
    two = named(clip_reader(frames=2, stride=1), "dark", "bright")
    two.save(detlite.folder / "two")
    record = scored(detlite, "two", "--videos", "videos", "--against", "two")
    assert (record["fidelity"], record["answers"], record["same_answers"]) == (100, 3, 3)
    assert record["logit_snr_db"] == 120
    text = detlite("evaluate", "two", "--videos", "videos", "--against", "two").out
    assert "answers with the same best class, frame by frame or view by view  3 of 3, 100.00 %" in text


def test_a_stream_answers_at_each_frame(detlite):
    running_sum().save(detlite.folder / "stream")
    record = scored(detlite, "stream", "--videos", "videos", "--against", "stream")
    assert (record["images"], record["answers"], record["same_sure_answers"]) == (3, 18, 18)
    record = scored(detlite, "stream", "--videos", "videos", "--against", "stream", "--clip-frames", 3, "--clips", 2)
    assert record["answers"] == 3 * 2 * 3


@pytest.mark.parametrize("labelled", [True, False])
def test_a_damaged_video_is_named_and_the_others_are_scored(detlite, labelled):
    damaged = detlite.folder / "videos" / "b_000010_000012.mkv"
    damaged.write_bytes(damaged.read_bytes()[:200])
    asked = ("--kinetics", "kinetics.csv") if labelled else ("--against", "clips")
    ran = detlite("evaluate", "clips", "--videos", "videos", *asked, "--save-detections", "lines.jsonl", "--json")
    record = json.loads(ran.out)
    check_record(record)
    assert (ran.status, record["images"]) == (1, 2)
    assert record["top1"] == 50 if labelled else record["fidelity"] == 100
    (why,) = record["protocol"]["unread_videos"]
    assert "b_000010_000012.mkv is truncated, damaged or not a video" in why
    assert f"left out: {why}" in ran.err
    assert ran.err.splitlines()[-1].endswith("videos that cannot be read and were left out: 1")
    lines = (detlite.folder / "lines.jsonl").read_text().splitlines()
    assert {json.loads(line)["image"].split("/")[-1] for line in lines[1:]} == {"a_000001_000002.mkv", "c.mkv"}


def test_videos_of_which_none_can_be_read_are_an_error(detlite):
    for path in (detlite.folder / "videos").rglob("*.mkv"):
        path.write_bytes(b"")
    ran = detlite("evaluate", "clips", "--videos", "videos", "--against", "clips")
    assert (ran.status, ran.out) == (2, "")
    assert "none of the 3 videos can be read; the first: " in ran.err.splitlines()[-1]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("--videos", "videos"), "--videos without labels measures fidelity to another model"),
        (("--videos", "videos", "--against", "clips", "--clip-frames", 8), "clips of 8 frames, and the model takes 3"),
        (("--videos", "nowhere", "--against", "clips"), "nowhere is no folder: give a folder of videos"),
        (("--videos", "clips", "--against", "clips"), "clips has no video: give a folder with .mp4"),
        (("--videos", "videos", "--against", "clips", "--workers", 2), "leave out --workers"),
        (("--videos", "videos", "--against", "clips", "--resize-as", "mediapipe"), "leave out --resize-as"),
        (("--images", "videos", "--against", "clips", "--clips", 2), "give --videos FOLDER"),
        (
            ("--videos", "videos", "--images", "videos", "--against", "clips"),
            "--images and --videos: give labels in one format",
        ),
        (("--videos", "videos", "--kinetics", "none.csv"), "none.csv cannot be read as a table of clips"),
    ],
)
def test_what_cannot_be_evaluated_is_one_line(detlite, arguments, error):
    ran = detlite("evaluate", "clips", *arguments)
    assert (ran.status, ran.out) == (2, "")
    assert error in ran.err.splitlines()[-1]


@pytest.mark.parametrize(
    ("table", "error"),
    [
        ("label,youtube_id\nlast,a\n", "has no column 'time_start'"),
        (HEADER, "names no clip"),
        (HEADER + "last,a,one,2,val\n", "the clip 'a' has no seconds"),
        (HEADER + "last,a,1\n", "line 2: want a value in label, youtube_id"),
        (HEADER + "last,z,1,2,val\n", "holds none of the 1 clip of kinetics.csv: their files are called by id"),
    ],
)
def test_a_damaged_table_is_one_line(detlite, table, error):
    (detlite.folder / "kinetics.csv").write_text(table)
    ran = detlite("evaluate", "clips", "--videos", "videos", "--kinetics", "kinetics.csv")
    assert ran.status == 2
    assert error in ran.err


@pytest.mark.slow
def test_a_long_video_needs_no_more_memory_than_a_short_one(detlite):
    """Frames held would be 9 kB each, 70 MB in all."""
    peaks = []
    for count in (500, 8000):
        path = write_video(detlite.folder / f"{count}.mp4", [grey(n % 256) for n in range(count)])
        with watching_memory() as peak:
            found = agreement(detlite.folder / "clips", detlite.folder / "clips", path, clips=10)
        assert found.counts["answers"] == 10
        peaks.append(peak.size_bytes)
    assert peaks[1] - peaks[0] < 15e6
