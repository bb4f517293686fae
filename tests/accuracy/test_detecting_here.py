"""The process that detects on this machine, started before it is known what is asked."""

import os
from pathlib import Path

import numpy as np
import pytest
from builders.image_files import save_oriented
from builders.tiny_tflite import save_tiny

from detlite.accuracy.hosts import ThisMachine
from detlite.runtime.errors import InputError


@pytest.fixture
def artifact(tmp_path):
    return save_tiny(tmp_path / "tiny")


@pytest.fixture
def paths(tmp_path):
    found = [tmp_path / f"{seed}.npy" for seed in range(3)]
    for seed, path in enumerate(found):
        np.save(path, np.random.default_rng(seed).integers(0, 256, (30, 40, 3), np.uint8))
    return found


def is_running(pid):
    return Path(f"/proc/{pid}").exists() and os.getpid() != pid


def test_what_was_got_ready_detects_once_and_the_next_time_another_does(artifact, paths):
    machine = ThisMachine()
    with machine.ready():
        first, second = machine.detect(artifact, paths), machine.detect(artifact, paths)
    np.testing.assert_array_equal(first.scores, second.scores)
    assert len(first.sizes) == 3


def test_images_are_upright_or_as_stored_as_asked(artifact, tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8)
    path = save_oriented(tmp_path / "x.png", pixels, 6)
    upright, stored = (ThisMachine().detect(artifact, [path], upright=upright) for upright in (True, False))
    assert (upright.sizes.tolist(), stored.sizes.tolist()) == ([[40, 30]], [[30, 40]])


def test_what_was_got_ready_and_not_used_ends(artifact):
    machine, pids = ThisMachine(), []

    def refused():
        with machine.ready() as child:
            pids.append(child.pid)
            raise InputError("no such labels")

    with pytest.raises(InputError, match="no such labels"):
        refused()
    assert not is_running(pids[0])


def test_an_image_that_is_none_is_told_and_leaves_no_process(artifact, paths):
    paths[1].write_bytes(b"no image")
    machine, pids = ThisMachine(), []

    def refused():
        with machine.ready() as child:
            pids.append(child.pid)
            machine.detect(artifact, paths)

    with pytest.raises(InputError, match=r"1.npy is no .npy image"):
        refused()
    assert not is_running(pids[0])
