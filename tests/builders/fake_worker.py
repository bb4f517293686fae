"""Loaded by a dask worker (`--preload`): its stages do nothing but answer.

Environment: FAKE_STAGE_S is how long each takes, in seconds; FAKE_KILLS is a folder: the first worker at each kind of
stage makes a file there, and is killed.
"""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

from builders.fake_stages import FakeWork
from detlite.studies.sweep.work import WORK, StageInput, StageResult


def dask_setup(_worker: object) -> None:
    """Put fakes in the place of what stages do; in a worker, which ends after the test."""
    for kind, work in FakeWork().kinds.items():
        WORK[kind] = _delayed(kind, work)  # type: ignore[index]  # a dictionary


def _delayed(kind: str, work: Callable[[StageInput], StageResult]) -> Callable[[StageInput], StageResult]:
    def does(asked: StageInput) -> StageResult:
        kills = os.environ.get("FAKE_KILLS")
        if kills:
            try:
                Path(kills, kind).touch(exist_ok=False)
            except FileExistsError:
                pass
            else:
                os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(float(os.environ.get("FAKE_STAGE_S", "0")))
        return work(asked)

    return does
