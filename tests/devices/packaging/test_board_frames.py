"""The board's program on the frames of a video: files, folders, arrays and raw frames, as the workstation sees them."""

import json
import subprocess
import sys

import numpy as np
import pytest
from builders.json_schemas import check_record
from builders.signed_streams import signed_stream
from builders.tiny_streams import clip_reader, running_sum
from builders.video_files import grey, write_video
from PIL import Image

from detlite.convert.artifact import open_artifact
from detlite.convert.load import load_source
from detlite.convert.options import DetectorOptions
from detlite.devices.packaging.zipapp import board_program
from detlite.library.runs import detect

VALUES = (10, 20, 30, 40)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("board")
    (made / "board.pyz").write_bytes(board_program())
    (made / "signed.tflite").write_bytes(signed_stream())
    running_sum().save(made / "stream")
    clip_reader(frames=3, stride=1).save(made / "clips")
    load_source(made / "signed.tflite", DetectorOptions()).save(made / "signed")
    (made / "frames").mkdir()
    for number, value in enumerate(VALUES):
        Image.fromarray(grey(value)).save(made / "frames" / f"{number}.png")
    frames = np.stack([grey(value) for value in VALUES])
    np.save(made / "frames.npy", frames)
    (made / "frames.64x48.rgb").write_bytes(frames.tobytes())
    write_video(made / "clip.mkv", list(frames))
    return made


def board(folder, *arguments, program="board.pyz"):
    command = [sys.executable, "-I", program, "detect", *map(str, arguments)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)


def found(folder, *arguments):
    ran = board(folder, *arguments, "--frames", "--json")
    assert ran.returncode == 0, ran.stderr
    record = json.loads(ran.stdout)
    check_record(record)
    return record


def test_a_folder_of_frames_is_no_model_where_one_is_packed(folder):
    (folder / "packed.pyz").write_bytes(board_program(open_artifact(folder / "stream")))
    ran = board(folder, "frames", "--frames", program="packed.pyz")
    assert ran.returncode == 0, ran.stderr
    assert "frames: 4 frames, 4 answers; at the end" in ran.stdout


@pytest.mark.parametrize("frames", ["frames", "frames.npy", "frames.64x48.rgb"])
def test_a_stream_carries_its_state_from_frame_to_frame(folder, frames):
    record = found(folder, "stream", frames)
    assert [round(one["ranking"][0]["score"]) for one in record["images"]] == [10, 30, 60, 100]
    assert [one["frame"] for one in record["images"]] == [0, 1, 2, 3]
    assert (record["videos"][0]["frames"], round(record["videos"][0]["ranking"][0]["score"])) == (4, 100)


@pytest.mark.parametrize("model", ["clips", "signed"])
def test_the_board_says_of_frames_what_the_workstation_says_of_their_video(folder, model):
    record = found(folder, model, "frames.npy")
    want = detect(folder / model, folder / "clip.mkv").to_record(0.3)
    unnamed = [{key: one[key] for key in ("frame", "ranking")} for one in record["images"]]
    assert unnamed == [{key: one[key] for key in ("frame", "ranking")} for one in want["images"]]
    assert record["videos"][0]["ranking"] == want["videos"][0]["ranking"]


def test_without_frames_each_image_is_a_stream_of_its_own(folder):
    record = json.loads(board(folder, "stream", "frames/0.png", "frames/1.png", "--json").stdout)
    assert [round(one["ranking"][0]["score"]) for one in record["images"]] == [10, 20]


def test_text_says_what_the_video_shows_at_its_end(folder):
    out = board(folder, "stream", "frames.npy", "--frames").stdout
    assert "frames.npy, frame 3: 1 ranking" in out
    assert out.endswith("frames.npy: 4 frames, 4 answers; at the end\n  99.990  thing 0\n")


def test_a_frame_of_a_file_is_drawn_to_a_picture_of_its_number(folder, tmp_path):
    ran = board(folder, "clips", "frames.npy", "--frames", "--draw", tmp_path / "drawn")
    assert ran.returncode == 0, ran.stderr
    assert sorted(path.name for path in (tmp_path / "drawn").iterdir()) == ["frames-000002.png", "frames-000003.png"]


@pytest.mark.parametrize(
    ("name", "content", "error"),
    [
        ("short.64x48.rgb", b"12345", "no whole number of frames of 64 x 48"),
        ("raw.rgb", b"12345", "does not say its size"),
        ("bad.npy", b"12345", "is no .npy of frames"),
        ("movie.mp4", b"12345", "is no image, or is damaged"),
    ],
)
def test_frames_that_cannot_be_read_are_one_line(folder, name, content, error):
    (folder / name).write_bytes(content)
    ran = board(folder, "stream", name, "--frames")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert error in ran.stderr.splitlines()[-1]


def test_lines_are_of_images(folder):
    assert "leave out --lines" in board(folder, "stream", "frames.npy", "--frames", "--lines").stderr
