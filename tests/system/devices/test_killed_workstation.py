"""The workstation's process is killed at random moments: the device frees itself, and every image is scored once."""

import json
import os
import random
import time

import numpy as np
import pytest
from builders.waiting import PATIENCE_S, wait_until

from detlite.accuracy.detect import detect
from detlite.devices.deploy.device_lock import LOCK_AGE_S
from detlite.runtime.artifact import read_artifact

pytestmark = pytest.mark.slow

TIMES = 4  # twenty by hand: DETLITE_KILLS=20
WHOLE = 61  # lines of a journal: the session and each image


@pytest.fixture(scope="session")
def many_photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    random_pixels = np.random.default_rng(0)
    for number in range(60):
        np.save(folder / f"{number:02}.npy", random_pixels.integers(0, 256, (48, 64, 3), np.uint8))
    return folder


def test_every_image_is_scored_once_after_kills(made, many_photos, start_device, inventory, detlite):
    board = start_device("board")
    inventory(board)
    arguments = ("evaluate", made / "int8", "--images", many_photos, "--against", made / "int8", "--device", "board0")
    moments = random.Random(7)
    kept = []
    for _ in range(int(os.environ.get("DETLITE_KILLS", TIMES))):
        process = detlite.start(*arguments)
        time.sleep(moments.uniform(0.5, 9))
        process.kill()
        process.communicate()
        if process.returncode == 0 or kept[-1:] == [WHOLE]:  # all images were found: the journal goes
            kept.clear()
        kept.append(sum(len(path.read_bytes().splitlines()) for path in (detlite.folder / "cache").rglob("*.jsonl")))
        wait_until(
            lambda: not board.jobs() and not (board.work / "lock").exists(),
            patience_s=LOCK_AGE_S + PATIENCE_S,
            said=board.jobs,
        )
    ran = detlite(*arguments, "--json")
    assert ran.status == 0, ran.err
    record = json.loads(ran.out)
    assert record["images"] == 60
    assert record["emulated_invoke_sum_s"] > 0
    expected = detect(read_artifact(made / "int8"), sorted(many_photos.iterdir()))
    assert record["detections"] == len(expected.scores)
    assert kept == sorted(kept)  # what was there once stays
    assert not list((detlite.folder / "cache").rglob("*.jsonl"))
