"""One stage, run in a worker: it looks in the store first and publishes last, so that it counts once."""

from __future__ import annotations

import shutil
import socket
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from detlite.convert.files.cache_folder import default_cache_folder
from detlite.runtime.child import ChildError, watching_memory
from detlite.runtime.errors import DetliteError
from detlite.runtime.records import Record, from_record, to_record
from detlite.runtime.version import __version__
from detlite.studies.store.blobs import SCRATCH, missing_blobs
from detlite.studies.store.entry import DONE, FAILED, LOST, STARTED, ResultRecord
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


Work = Mapping[str, Callable[[StageInput], StageResult]]
"""What each kind of stage does."""


def run_stage(study: str, record: Record, before: Record | None, *, work: Work = WORK) -> Record:
    """Run the stage *record* of the study in the folder *study*, unless it is done, and return its `StageOutcome`.

    Args:
        study: the folder, which every worker sees.
        record: a `Stage` as `to_record` gives it.
        before: the outcome of the stage that it needs; None if that was done before, or there is none.
        work: what the stages do.
    """
    stage = from_record(Stage, record)
    if before is not None and before["status"] != DONE:
        cause = before["text"] if before["status"] == NOT_RUN else f"the stage before it failed: {before['text']}"
        return StageOutcome(stage.key, NOT_RUN, cause).to_record()
    store = open_store(Path(study))
    try:
        with _place(stage):
            done = is_done(store, stage)
            return (StageOutcome(stage.key, DONE) if done else _run(store, stage, work)).to_record()
    except (DetliteError, OSError) as error:  # of the locks or of the index
        return StageOutcome(stage.key, FAILED, one_line(error)).to_record()


def _run(store: Store, stage: Stage, work: Work) -> StageOutcome:
    begin = time.perf_counter()
    with watching_memory() as memory:
        try:
            store.append(_record(stage, STARTED))
            _publish(store, stage, work, lambda: (time.perf_counter() - begin, memory.size_bytes))
        except (DetliteError, ChildError, OSError) as error:
            text = one_line(error)
            keep_failure(store, stage, text, memory.size_bytes)
            return StageOutcome(stage.key, FAILED, text, time.perf_counter() - begin)
    return StageOutcome(stage.key, DONE, wall_s=time.perf_counter() - begin)


def keep_failure(store: Store, stage: Stage, text: str, memory_peak_bytes: int | None = None) -> None:
    """Keep in *store* why *stage* failed; on a full disk only its outcome says so."""
    with suppress(OSError):
        facts = {**stage.facts, "error": text}
        store.append(_record(stage, FAILED, facts=facts, memory_peak_bytes=memory_peak_bytes))


def one_line(reason: object) -> str:
    """Return the text of *reason* in one line of at most 2000 characters."""
    return " ".join(str(reason).split())[:2000]


@contextmanager
def _place(stage: Stage) -> Iterator[None]:
    """Wait until *stage* may run: no other process of this user is at it, or at its device, or needs the machine."""
    locks = default_cache_folder() / "locks"
    locks.mkdir(parents=True, exist_ok=True)
    with ExitStack() as held:
        held.enter_context(locked(locks / stage.key[:32]))
        if stage.device is not None:
            held.enter_context(locked(locks / f"device-{stage.digests.device[:32]}"))
        held.enter_context(in_room(alone=stage.is_quiet))
        yield


def is_done(store: Store, stage: Stage) -> bool:
    """Return whether the store has the result of *stage* with its data, and the artifact that it made."""
    found = store.find(stage.key)
    if found is None or missing_blobs(store.root, found.blobs.values()):
        return False
    return stage.kind not in ARTIFACTS or artifact_of(store.root, stage.key).is_dir()


def artifact_of(study: Path, key: str) -> Path:
    """Return the folder of the artifact that the stage *key* makes."""
    return study.absolute() / MODELS / key


def _publish(store: Store, stage: Stage, work: Work, cost: Callable[[], tuple[float, int | None]]) -> None:
    """Do the work in a scratch folder; publish the artifact, then the record with its *cost* so far."""
    scratch = store.root.absolute() / SCRATCH
    scratch.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{stage.key}-", dir=scratch))
    try:
        found = work[stage.kind](_input(store, stage, folder / "out"))
        if stage.kind in ARTIFACTS:
            place = artifact_of(store.root, stage.key)
            place.parent.mkdir(exist_ok=True)
            try:
                (folder / "out").rename(place)
            except OSError:  # another machine was first, with the same bytes
                if not place.is_dir():
                    raise
        _append_done(store, stage, found, cost)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _input(store: Store, stage: Stage, out: Path) -> StageInput:
    before, zoo = None, None
    if stage.needs is not None:
        needed = store.find(stage.needs)
        if needed is not None and needed.kind == FETCH:
            zoo = str(needed.result["name"])
        else:
            before = artifact_of(store.root, stage.needs)
    return StageInput(stage.request, before, zoo, out)


def _append_done(store: Store, stage: Stage, found: StageResult, cost: Callable[[], tuple[float, int | None]]) -> None:
    """Keep what a stage *found*, unless that makes an earlier record whole again whose data or artifact was lost."""
    blobs = {name: store.put(data) for name, data in found.data.items()}
    earlier = store.find(stage.key)
    if earlier is not None:
        lost = missing_blobs(store.root, earlier.blobs.values())
        if not lost:
            return
        store.append(_record(stage, LOST, blobs={name: one for name, one in earlier.blobs.items() if one in lost}))
    wall_s, peak = cost()
    facts = {**stage.facts, **found.facts, "wall_s": round(wall_s, 3)}
    done = _record(stage, DONE, facts=facts, result=found.result, blobs=blobs, wall_s=wall_s, memory_peak_bytes=peak)
    store.append(done)


def _record(stage: Stage, status: str, **more: object) -> ResultRecord:
    return ResultRecord(
        key=stage.key,
        kind=stage.kind,
        status=status,
        digests=stage.digests,
        at_us=time.time_ns() // 1000,
        host=socket.gethostname(),
        detlite=__version__,
        **more,  # type: ignore[arg-type]  # fields by name
    )
