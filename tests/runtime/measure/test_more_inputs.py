"""Measuring models of more than one image: states, banks and clips are fed as they are in use."""

import time

import numpy as np
import pytest
from builders.tiny_streams import bank_reader, clip_reader, running_sum
from builders.tiny_tasks import tiny_task

from detlite.convert.model import session_of
from detlite.runtime.measure.presets import preset_called
from detlite.runtime.measure.process import LoadedModel
from detlite.runtime.measure.protocol import Setup
from detlite.runtime.runners.backend import Settings


def scores_after(count, model, folder):
    """The scores that *model* left after *count* samples of a photo whose grey is 10."""
    np.save(folder / "photo.npy", np.full((4, 4, 3), 10, np.uint8))
    saved = model.save(folder / "model")
    photos = (folder / "photo.npy",)
    setup = Setup(
        saved.model, saved.contract, "litert", Settings(), "single-stream", "check", preset_called("quick"), photos
    )
    bench = LoadedModel(setup.request(folder))
    serve = bench.server(lambda _line: None, lambda _now: None)
    for query in range(count):
        serve(query, 0, time.perf_counter_ns())
    assert bench.session is not None
    return bench.session.heads()["class_scores"].tolist()


def test_a_state_is_carried_from_sample_to_sample(tmp_path):
    assert scores_after(3, running_sum(), tmp_path) == [pytest.approx(30, abs=0.1)]


def test_a_state_begins_with_its_initial_value(tmp_path):
    assert scores_after(1, running_sum(initial=5.0), tmp_path) == [pytest.approx(15, abs=0.1)]


def test_a_bank_is_empty(tmp_path):
    assert scores_after(2, bank_reader(), tmp_path) == [0, 0]


def test_a_clip_is_filled_with_the_photo(tmp_path):
    assert scores_after(1, clip_reader(), tmp_path) == [pytest.approx(10, abs=0.1)] * 3


def test_a_map_takes_the_size_of_the_photo():
    session = session_of(tiny_task("segmentation"))
    session.invoke(session.preprocess(np.zeros((30, 40, 3), np.uint8)))
    found = session.finish((30, 40))
    assert found.to_record()["map_size"] == [30, 40]
