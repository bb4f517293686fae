"""Videos that are read: their time stamps, their rotation, what is damaged, and how much memory they need."""

import resource
from pathlib import Path

import numpy as np
import pytest
from builders.video_files import grey, write_sound, write_video

from detlite.accuracy.scenes import SceneCuts
from detlite.accuracy.video import Frame, at_rate, count_frames, open_video
from detlite.runtime.errors import InputError


def read(path):
    with open_video(path) as video:
        return [(frame.time_s, frame.pixels()) for frame in video.frames]


def greys(frames):
    return [int(pixels[0, 0, 0]) for _time_s, pixels in frames]


def test_frames_without_time_stamps_are_not_taken_by_them():
    with pytest.raises(InputError, match="a.mkv: its frames have no time stamps, by which --fps takes them"):
        list(at_rate([Frame(None, None)], 5, "a.mkv"))


@pytest.mark.parametrize("per_second", [24000 / 1001, 25, 30, 60, 144])
@pytest.mark.parametrize("begin_s", [0.0, 1.0005])
def test_a_video_at_its_own_rate_gives_each_frame_once_though_its_times_are_rounded(per_second, begin_s):
    frames = [Frame(round(begin_s + number / per_second, 3), number) for number in range(500)]
    assert [frame.decoded for frame in at_rate(frames, per_second)] == list(range(500))


def halves():
    """A picture whose left half is white: turned counterclockwise, its lower half is."""
    pixels = grey(0)
    pixels[:, :32] = 255
    return pixels


def test_frames_come_with_their_times_at_a_variable_rate(tmp_path):
    times = [0.0, 0.1, 0.5, 0.55, 1.2]
    found = read(write_video(tmp_path / "a.mkv", [grey(40 * n) for n in range(5)], times_s=times))
    assert [time_s for time_s, _pixels in found] == pytest.approx(times)
    assert greys(found) == [0, 40, 80, 120, 160]


@pytest.mark.parametrize(("per_second", "seen"), [(10, [0, 40, 40, 40, 40, 80, 120]), (2, [0, 80]), (1, [0])])
def test_frames_are_taken_by_their_time_stamps(tmp_path, per_second, seen):
    path = write_video(tmp_path / "a.mkv", [grey(40 * n) for n in range(4)], times_s=[0.0, 0.1, 0.5, 0.6])
    with open_video(path) as video:
        assert [int(frame.pixels()[0, 0, 0]) for frame in at_rate(video.frames, per_second)] == seen


@pytest.mark.parametrize(
    ("rotation", "white"), [(90, np.s_[32:]), (-90, np.s_[:32]), (180, np.s_[:, 32:]), (0, np.s_[:, :32])]
)
def test_a_video_is_turned_upright_by_its_metadata(tmp_path, rotation, white):
    ((_time, pixels),) = read(write_video(tmp_path / "a.mov", [halves()], rotation=rotation))
    want = np.zeros((64, 48, 3) if rotation in (90, -90) else (48, 64, 3), np.uint8)
    want[white] = 255
    assert pixels.tolist() == want.tolist()


def test_a_file_without_a_picture_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"a.mkv has no video stream: give a video"):
        read(write_sound(tmp_path / "a.mkv"))


def test_what_is_no_video_is_refused(tmp_path):
    (tmp_path / "a.mp4").write_bytes(b"no video")
    with pytest.raises(InputError, match="a.mp4 is truncated, damaged or not a video"):
        read(tmp_path / "a.mp4")


def test_an_mp4_without_its_end_is_refused(tmp_path):
    path = write_video(tmp_path / "a.mp4", [grey(n) for n in range(10)])
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(InputError, match="a.mp4 is truncated, damaged or not a video"):
        read(path)


@pytest.mark.parametrize(("suffix", "share"), [(".mkv", 2), (".avi", 4)])  # an .avi ends with its index
def test_the_frames_of_a_video_that_is_cut_short_are_read_and_the_damage_is_named(suffix, share, tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
    path = write_video(tmp_path / f"a{suffix}", [noise] * 40)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // share])
    seen = 0
    with (
        open_video(path) as video,
        pytest.raises(InputError, match=rf"a{suffix} is cut short: it ends after [12]\.\d of 4\.0 s; get it again"),
    ):
        for seen, _frame in enumerate(video.frames, 1):  # noqa: B007 (the count is read after the error)
            pass
    assert 15 <= seen <= 22


@pytest.mark.parametrize("suffix", [".mkv", ".avi", ".mov", ".mp4"])
def test_a_whole_video_is_not_cut_short(suffix, tmp_path):
    path = write_video(tmp_path / f"a{suffix}", [grey(n) for n in range(8)], rate=1)
    assert count_frames(path) == 8


def test_a_video_of_one_frame_has_one(tmp_path):
    assert count_frames(write_video(tmp_path / "a.mkv", [grey(7)])) == 1


def resident_bytes():
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def test_frames_that_were_read_take_no_memory(tmp_path):
    """A video of any length needs the same: these frames would be 138 MB."""
    path = write_video(tmp_path / "a.mkv", [grey(n, 480, 640) for n in range(150)])
    with open_video(path) as video:
        for number, frame in enumerate(video.frames):
            frame.pixels()
            if number == 20:
                before = resident_bytes()
    assert number == 149
    assert resident_bytes() - before < 40e6


def test_a_scene_begins_at_a_cut_and_not_in_a_pan():
    pan = np.tile(np.arange(256, dtype=np.uint8)[None, :, None], (48, 1, 3))
    cuts = SceneCuts()
    seen = [np.roll(pan, 8 * step, axis=1) for step in range(5)] + [grey(250, 48, 256)] * 3
    assert [cuts.is_cut(frame) for frame in seen] == [False] * 5 + [True, False, False]
