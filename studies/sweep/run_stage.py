"""One stage, run in a worker: it looks in the store first and publishes last, so that it counts once."""

from __future__ import annotations

import resource
import shutil
import socket
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from detlite.convert.files.cache_folder import default_cache_folder
from detlite.runtime.child import ChildError
from detlite.runtime.errors import DetliteError
from detlite.runtime.records import Record, from_record, to_record
from detlite.runtime.version import __version__
from detlite.studies.store.blobs import SCRATCH
from detlite.studies.store.entry import DONE, FAILED, STARTED, ResultRecord
from detlite.studies.store.store import Store, open_store
from detlite.studies.store.upkeep import MODELS
from detlite.studies.sweep.graph import FETCH, Stage
from detlite.studies.sweep.room import in_room, locked
from detlite.studies.sweep.work import ARTIFACTS, WORK, StageInput, StageResult

NOT_RUN = "not run"


@dataclass(frozen=True)
class StageOutcome:
    """How a stage ended.

    Attributes:
        key: the stage's.
        status: `done`, `failed`, or `not run` where the stage that it needs failed.
        text: why, in one line; "" where it is done.
        wall_s: how long it took; 0 where an earlier run did it.
    """

    key: str
    status: str
    text: str = ""
    wall_s: float = 0.0

    def to_record(self) -> Record:
        """Return it as plain data."""
        record: Record = to_record(self)
        return record


def run_stage(study: str, record: Record, before: Record | None) -> Record:
    """Run the stage *record* of the study in the folder *study*, unless it is done, and return its `StageOutcome`.

    Args:
        study: the folder, which every worker sees.
        record: a `Stage` as `to_record` gives it.
        before: the outcome of the stage that it needs; None if that was done before, or there is none.
    """
    stage = from_record(Stage, record)
    if before is not None and before["status"] != DONE:
        cause = before["text"] if before["status"] == NOT_RUN else f"the stage before it failed: {before['text']}"
        return StageOutcome(stage.key, NOT_RUN, cause).to_record()
    store = open_store(Path(study))
    try:
        return _once(store, stage).to_record()
    finally:
        store.close()


def _once(store: Store, stage: Stage) -> StageOutcome:
    locks = default_cache_folder() / "locks"
    locks.mkdir(parents=True, exist_ok=True)
    with locked(locks / stage.key[:32]), in_room(alone=stage.is_quiet):  # another sweep may be at the same stage
        if is_done(store, stage):
            return StageOutcome(stage.key, DONE)
        store.append(_record(stage, STARTED))
        begin = time.perf_counter()
        try:
            _publish(store, stage, begin)
        except (DetliteError, ChildError, OSError) as error:
            text = " ".join(str(error).split())[:2000]
            with suppress(OSError):  # a full disk: the outcome says it too
                store.append(_record(stage, FAILED, facts={**stage.facts, "error": text}))
            return StageOutcome(stage.key, FAILED, text, time.perf_counter() - begin)
    return StageOutcome(stage.key, DONE, wall_s=time.perf_counter() - begin)


def is_done(store: Store, stage: Stage) -> bool:
    """Return whether the store has the result of *stage*, and the artifact that it made."""
    if store.find(stage.key) is None:
        return False
    return stage.kind not in ARTIFACTS or artifact_of(store.root, stage.key).is_dir()


def artifact_of(study: Path, key: str) -> Path:
    """Return the folder of the artifact that the stage *key* makes."""
    return study.absolute() / MODELS / key


def _publish(store: Store, stage: Stage, begin: float) -> None:
    """Do the work in a scratch folder; publish the artifact, then the record."""
    scratch = store.root.absolute() / SCRATCH
    scratch.mkdir(exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f"{stage.key}-", dir=scratch))
    try:
        found = WORK[stage.kind](_input(store, stage, work / "out"))
        if stage.kind in ARTIFACTS:
            place = artifact_of(store.root, stage.key)
            place.parent.mkdir(exist_ok=True)
            try:
                (work / "out").rename(place)
            except OSError:  # another machine was first, with the same bytes
                if not place.is_dir():
                    raise
        store.append(_done(store, stage, found, time.perf_counter() - begin))
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _input(store: Store, stage: Stage, out: Path) -> StageInput:
    before, zoo = None, None
    if stage.needs is not None:
        needed = store.find(stage.needs)
        if needed is not None and needed.kind == FETCH:
            zoo = str(needed.result["name"])
        else:
            before = artifact_of(store.root, stage.needs)
    return StageInput(stage.request, before, zoo, out)


def _done(store: Store, stage: Stage, found: StageResult, wall_s: float) -> ResultRecord:
    blobs = {name: store.put(data) for name, data in found.data.items()}
    facts = {**stage.facts, **found.facts, "wall_s": round(wall_s, 3)}
    return _record(stage, DONE, facts=facts, result=found.result, blobs=blobs, wall_s=wall_s)


def _record(stage: Stage, status: str, **more: object) -> ResultRecord:
    return ResultRecord(
        key=stage.key,
        kind=stage.kind,
        status=status,
        digests=stage.digests,
        at_us=time.time_ns() // 1000,
        memory_peak_bytes=None if status == STARTED else _peak_bytes(),
        host=socket.gethostname(),
        detlite=__version__,
        **more,  # type: ignore[arg-type]  # fields by name
    )


def _peak_bytes() -> int:
    """Return the peak resident memory of the largest child process so far, in bytes."""
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
