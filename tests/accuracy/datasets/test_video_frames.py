"""Frames of a video as images."""

import io
import subprocess
import sys

import numpy as np
import pytest
from builders.dataset_items import items
from builders.image_files import encoded

from detlite.convert.extras import install_line
from detlite.runtime.errors import InputError


def write_video(path, frames):
    av = pytest.importorskip("av")
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=5)
        stream.width = stream.height = 64
        for pixels in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())
    return path


def test_a_video_gives_its_frames_in_order(tmp_path):
    shades = [np.full((64, 64, 3), value, np.uint8) for value in (20, 120, 220)]
    path = write_video(tmp_path / "a.mp4", shades)
    found = [np.load(io.BytesIO(content)) for _, content, _ in items("video", path)]
    assert [frame.shape for frame in found] == [(64, 64, 3)] * 3
    assert [round(frame.mean() / 100, 1) for frame in found] == pytest.approx([0.2, 1.2, 2.2], abs=0.11)


def test_a_file_that_is_no_video_is_refused(tmp_path):
    pytest.importorskip("av")
    (tmp_path / "a.mp4").write_bytes(encoded(1)[:50])
    with pytest.raises(InputError, match="a.mp4 is truncated, damaged or not a video"):
        items("video", tmp_path / "a.mp4")


def test_a_video_without_pyav_says_what_to_install(tmp_path):
    (tmp_path / "a.mp4").write_bytes(b"x")
    code = (
        "import sys; sys.modules['av'] = None\n"
        "from pathlib import Path; from detlite.accuracy.datasets import video\n"
        "from detlite.runtime.errors import MissingToolError\n"
        "try: list(video.items([Path(sys.argv[1])]))\n"
        "except MissingToolError as error: print(error.exit_status, error)"
    )
    said = subprocess.run([sys.executable, "-c", code, str(tmp_path / "a.mp4")], capture_output=True, text=True)
    assert said.stdout.startswith("3 reading a video needs PyAV, which is not installed")
    assert f"{install_line('video')}, or save the frames as images" in said.stdout
