"""What is taken of videos: scenes, frames of a stream, clips."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from builders.conv_streams import conv_stream
from builders.tiny_streams import clip_reader
from builders.tiny_tasks import classifier
from builders.tiny_videos import write_scenes

from detlite.accuracy.images import Images
from detlite.calibration.material import material_of
from detlite.calibration.video.clips import clip_cuts
from detlite.calibration.video.footage import Footage
from detlite.calibration.video.scenes import chosen_scenes, frames_of
from detlite.calibration.video.streams import sampled_frames
from detlite.runtime.errors import InputError
from detlite.runtime.inputs import ImageInput
from detlite.runtime.stream_inputs import BankInput, ClipInput

GRAY = ImageInput("image", 2, 2, "GRAY", "float32", (0.0,), (1.0,), "tf1_bilinear")


def places(scenes):
    return [(scene.path.name, scene.begin, scene.count) for scene in scenes]


def test_a_scene_begins_at_each_cut(tmp_path):
    path = write_scenes(tmp_path / "cuts.mkv", 0, 120, 240)
    assert places(chosen_scenes((path,), 3, 0).scenes) == [
        ("cuts.mkv", 0, 20),
        ("cuts.mkv", 20, 20),
        ("cuts.mkv", 40, 20),
    ]


def test_scenes_are_chosen_over_several_videos(tmp_path):
    paths = [write_scenes(tmp_path / f"{grey}.mkv", grey, each=12) for grey in (0, 80, 160, 240)]
    found = chosen_scenes(tuple(paths), 2, 0).scenes
    assert len({scene.path for scene in found}) == 2
    assert places(found) == places(chosen_scenes(tuple(paths), 2, 0).scenes)


def test_the_frames_of_scenes_come_in_one_pass(tmp_path):
    path = write_scenes(tmp_path / "cuts.mkv", 0, 120, 240)
    first, _middle, last = chosen_scenes((path,), 3, 0).scenes
    assert [one[:2] for one in frames_of([first, last])] == [
        (place, number) for place in (0, 1) for number in range(20)
    ]


def test_the_first_frame_of_a_scene_is_sampled_and_most_are_early():
    found = sampled_frames(300, 9, seed=0)
    assert len(found) == 9
    assert found[0] == 0
    assert found[4] < 100 < found[-1] < 300
    assert found != sampled_frames(300, 9, seed=1)


def test_a_short_scene_gives_all_its_frames():
    assert sampled_frames(4, 9, seed=0) == [0, 1, 2, 3]


def test_clips_of_a_scene_are_spread_and_share_at_most_half():
    cuts = clip_cuts(ClipInput(GRAY, 4, 2), 30, 100)
    assert all(cut == tuple(range(cut[0], cut[0] + 8, 2)) for cut in cuts)
    assert cuts[-1][-1] < 30
    assert min(b[0] - a[0] for a, b in pairwise(cuts)) >= 3


def test_few_clips_are_evenly_spread():
    assert [cut[0] for cut in clip_cuts(ClipInput(GRAY, 3, 1), 23, 2)] == [5, 15]


def test_clips_are_cut_from_one_scene_each(tmp_path):
    path = write_scenes(tmp_path / "cuts.mkv", 0, 200)
    model = clip_reader()
    found = list(material_of(Footage((path,), 4), model.contract).samples(model.file, model.contract))
    assert [sample.scene for sample in found] == [0, 1, 2, 3]
    assert found[0].inputs[0].shape == (1, 3, 2, 2, 1)
    assert found[0].inputs[0].mean() < 50 < 150 < found[3].inputs[0].mean()


def test_a_stream_is_sampled_with_the_states_that_it_has_there(tmp_path):
    path = write_scenes(tmp_path / "cuts.mkv", 0, 200, each=12)
    model = conv_stream()
    found = list(material_of(Footage((path,), 18), model.contract).samples(model.file, model.contract))
    assert len(found) == 18
    counts = [float(sample.inputs[3].item()) for sample in found]
    assert counts[0] == counts[9] == 0
    assert counts[:9] == sorted(counts[:9])
    assert not found[9].inputs[1].any()  # the second scene begins with an empty buffer
    assert found[8].inputs[1].any()


def test_the_same_footage_gives_the_same_samples(tmp_path):
    path = write_scenes(tmp_path / "cuts.mkv", 0, 200, each=12)
    model = conv_stream()
    material = material_of(Footage((path,), 6, seed=3), model.contract)
    once, again = (list(material.samples(model.file, model.contract)) for _ in range(2))
    for one, other in zip(once, again, strict=True):
        np.testing.assert_array_equal(one.inputs[1], other.inputs[1])


def with_both():
    """A stream whose contract has a bank, too."""
    model = conv_stream()
    inputs = (*model.contract.inputs, BankInput("features", 3, 2))
    return replace(model, contract=replace(model.contract, inputs=inputs))


@pytest.mark.parametrize(
    ("make", "given", "says"),
    [
        (conv_stream, Images((Path("a.png"),), ""), "takes images and states: calibrate it with videos"),
        (clip_reader, Images((Path("a.png"),), ""), "takes clips: calibrate it with videos"),
        (with_both, Images((Path("a.png"),), ""), "takes images and states and a bank of features, and only models"),
        (classifier, Footage((Path("a.mkv"),), 1), "takes single images: calibrate it with images"),
    ],
)
def test_what_does_not_fit_the_model_is_refused(make, given, says):
    with pytest.raises(InputError, match=says):
        material_of(given, make().contract)


def test_an_unknown_number_of_samples_is_refused():
    with pytest.raises(InputError, match="0 samples are requested"):
        Footage((Path("a.mkv"),), 0)
    with pytest.raises(InputError, match="no videos"):
        Footage((), 1)
