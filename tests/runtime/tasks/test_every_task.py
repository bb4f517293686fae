"""Each task from end to end: a tiny model is read, quantized, run here and by the board's program, and packed."""

import contextlib
import json
import math
import os
import subprocess
import sys

import numpy as np
import pytest
from builders.float_detector import write_images
from builders.float_models import snr_db
from builders.tiny_tasks import tiny_task
from hypothesis import given, settings
from hypothesis import strategies as st

from detlite.accuracy.images import Images
from detlite.calibration.quantize import quantize
from detlite.calibration.recipe import Recipe
from detlite.convert.model import session_of
from detlite.devices.packaging.zipapp import board_program
from detlite.runtime.artifact import read_artifact
from detlite.runtime.child_calls import detect
from detlite.runtime.contract import Contract, contract_from_json
from detlite.runtime.errors import ContractError
from detlite.runtime.image.read import read_image
from detlite.runtime.letterbox import Letterbox
from detlite.runtime.plugins import plugin_names
from detlite.runtime.progress import silent
from detlite.runtime.session import Session
from detlite.runtime.task import TASKS, task_kind

KINDS = plugin_names(TASKS)
each_task = pytest.mark.parametrize("kind", KINDS)


def photo(seed=0, height=30, width=40):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def heads(model, image):
    session = session_of(model)
    session.invoke(session.preprocess(image))
    return session.heads()


def same(one, other):
    return one.to_record() == other.to_record()


@each_task
def test_a_plugin_is_called_as_its_settings_say(kind):
    assert task_kind(kind).settings.kind == kind


@each_task
def test_a_contract_is_read_as_it_was_written(kind):
    text = tiny_task(kind).contract.to_json()
    assert contract_from_json(text).to_json() == text
    assert json.loads(text)["schema_version"] == (2 if kind == "detection" else 3)


@each_task
def test_a_result_is_read_as_it_was_written(kind):
    found = session_of(tiny_task(kind)).run(photo())
    record = json.loads(json.dumps(found.to_record(), allow_nan=False))
    assert set(record) == set(found.fields)
    assert same(task_kind(kind).result.from_record(record), found)


@each_task
def test_what_is_found_comes_best_first_with_labels(kind):
    found = list(session_of(tiny_task(kind)).run(photo()).above(0.01))
    assert found
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
    assert all(one.label == f"thing {one.number}" and math.isfinite(one.score) for one in found)


@each_task
def test_a_threshold_leaves_out_what_scores_less(kind):
    result = session_of(tiny_task(kind)).run(photo())
    scores = [one.score for one in result.above(0.0)]
    middle = sorted(scores)[len(scores) // 2]
    assert [one.score for one in result.above(middle)] == [score for score in scores if score >= middle]


@each_task
def test_the_results_of_many_images_become_columns(kind, tmp_path):
    paths = [tmp_path / f"{i}.npy" for i in range(3)]
    for i, path in enumerate(paths):
        np.save(path, photo(i))
    saved = tiny_task(kind).save(tmp_path / "tiny")
    request = {
        "model": str(saved.model),
        "contract": saved.contract.to_json(),
        "images": [str(path) for path in paths],
        "threads": 1,
        "upright": True,
        "out": str(tmp_path / "found.npz"),
    }
    detect(request, silent)
    with np.load(tmp_path / "found.npz") as columns:
        session = Session(saved)
        want = task_kind(kind).result.columns([session.run(read_image(path)) for path in paths])
        assert set(columns.files) == {*want, "sizes", "invoke_ns"}
        for name, column in want.items():
            np.testing.assert_array_equal(columns[name], column)


@each_task
def test_a_model_is_quantized_and_finds_nearly_the_same(kind, tmp_path):
    model = tiny_task(kind)
    paths = write_images(tmp_path)
    made = quantize(model, Images(paths, "made in a test"), Recipe()).model
    assert made.contract.image.dtype == "int8"
    assert made.contract.roles == model.contract.roles
    want, got = (heads(one, read_image(paths[0])) for one in (model, made))
    for role, value in want.items():
        assert snr_db(value, got[role]) > 20


@each_task
def test_the_board_finds_what_the_workstation_finds(kind, tmp_path):
    saved = tiny_task(kind).save(tmp_path / "tiny")
    np.save(tmp_path / "photo.npy", photo())
    (tmp_path / "board.pyz").write_bytes(board_program(saved))
    command = [sys.executable, "-I", tmp_path / "board.pyz", "detect", tmp_path / "photo.npy", "--json"]
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")}
    ran = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment)
    assert ran.returncode == 0, ran.stderr
    want = Session(read_artifact(tmp_path / "tiny")).run(photo())
    (record,) = json.loads(ran.stdout)["images"]
    assert record[want.listed] == [one.to_record() for one in want.above(0)]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@each_task
@settings(max_examples=100, deadline=None)
@given(value=json_values, data=st.data())
def test_any_value_in_any_setting_gives_a_contract_or_a_contract_error(kind, value, data):
    record = json.loads(tiny_task(kind, letterbox=Letterbox()).contract.to_json())
    part = record[data.draw(st.sampled_from(["task", "inputs"]))]
    part = part if isinstance(part, dict) else part[0]
    part[data.draw(st.sampled_from(sorted(part)))] = value
    with contextlib.suppress(ContractError):
        assert isinstance(contract_from_json(json.dumps(record)), Contract)
