"""One stage in a worker: once, whole or not at all, with the figures of its own child."""

import errno
import resource
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from builders.fake_stages import FakeWork, fake_stage
from builders.file_server import Behaviour, serving

from detlite.convert.zoo.catalogue import Archive, ZooModel
from detlite.runtime.child import run_in_child
from detlite.runtime.errors import DeviceError
from detlite.runtime.records import to_record
from detlite.studies.store.blobs import blob_path
from detlite.studies.store.store import make_store
from detlite.studies.store.upkeep import damage_in
from detlite.studies.sweep.run_stage import artifact_of, run_stage
from detlite.studies.sweep.work import WORK, StageResult


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("DETLITE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("DETLITE_ROOM", str(tmp_path / "room"))
    return make_store(tmp_path / "study")


@pytest.fixture
def run(store):
    def ran(stage, work=None, before=None):
        return run_stage(str(store.root), to_record(stage), before, work=(work or FakeWork()).kinds)

    return ran


def statuses(store):
    return [entry.status for entry in store.scan().entries]


def test_two_sweeps_at_one_stage_do_it_once(store, run):
    work, stage, both = FakeWork(), fake_stage(), threading.Barrier(2)

    def sweep():
        both.wait()
        run(stage, work)

    threads = [threading.Thread(target=sweep) for _sweep in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert work.calls == ["measure"]
    assert sorted(statuses(store)) == ["done", "started"]


def test_a_device_that_is_unplugged_fails_its_stage_and_the_next_sweep_measures_it(store, run):
    lost = DeviceError("board was lost during the job")
    outcome = run(fake_stage(), FakeWork(fails=lost))
    assert (outcome["status"], outcome["text"]) == ("failed", "board was lost during the job")
    assert store.failures() == {fake_stage().key: "board was lost during the job"}
    assert run(fake_stage())["status"] == "done"
    assert store.failures() == {}
    assert statuses(store) == ["started", "failed", "started", "done"]
    assert len(list((store.root / "records").iterdir())) == 1  # one file for each process, not for each stage


def test_a_model_of_the_zoo_that_cannot_be_fetched_fails_its_stages_and_is_fetched_by_the_next_sweep(
    store, run, monkeypatch
):
    with serving(Behaviour({})) as address:
        archive = Archive(f"{address}/tiny_2020_01_01.tar.gz")  # of a server that is gone
    found = ZooModel("tiny", ("boxes",), "ssd_mobilenet_v1", "tf1", (8, 8), False, None, "frozen_graph", (archive,))
    monkeypatch.setattr("detlite.convert.zoo.fetch.find", lambda _name: found)
    fetching = fake_stage("fetch")
    work = FakeWork()
    work.kinds["fetch"] = WORK["fetch"]
    failed = run(fetching, work)
    assert failed["status"] == "failed"
    assert failed["text"].startswith(f"cannot download tiny: {archive.url} cannot be reached")
    converting = run(fake_stage("convert", needs=fetching.key), before=failed)
    assert converting["status"] == "not run"
    assert converting["text"] == f"the stage before it failed: {failed['text']}"
    assert store.failures() == {fetching.key: failed["text"]}
    assert run(fetching)["status"] == "done"


@pytest.mark.parametrize("kind", ["convert", "measure"])
def test_a_full_disk_leaves_nothing_half_written(store, run, kind):
    full = OSError(errno.ENOSPC, "No space left on device")
    outcome = run(fake_stage(kind), FakeWork(fails=full))
    assert (outcome["status"], outcome["text"]) == ("failed", "[Errno 28] No space left on device")
    assert store.done() == set()
    assert not artifact_of(store.root, fake_stage(kind).key).exists()
    assert list((store.root / "scratch").iterdir()) == []
    assert run(fake_stage(kind))["status"] == "done"


@contextmanager
def files_up_to(size_bytes):
    """No file may grow over that size."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_record_that_the_disk_has_no_room_for_is_not_in_the_store(store, run):
    run(fake_stage(name="first"))
    store.done()  # so that the index has nothing to write
    (segment,) = (store.root / "records").iterdir()
    with files_up_to(segment.stat().st_size + 100):  # less than a record
        outcome = run(fake_stage(name="second"))
    assert outcome["status"] == "failed"
    assert outcome["text"] == f"[Errno 28] No space left on device: '{store.root / 'records'}'"
    assert store.done() == {fake_stage(name="first").key}
    assert damage_in(store) == []
    assert run(fake_stage(name="second"))["status"] == "done"
    assert len(store.done()) == 2


def test_an_index_that_the_disk_has_no_room_for_is_told_in_a_line(store, run):
    run(fake_stage())
    with files_up_to(100):
        outcome = run(fake_stage(name="second"))
    assert "the index of the store cannot be written (disk I/O error); DETLITE_CACHE names another" in outcome["text"]
    assert run(fake_stage(name="second"))["status"] == "done"


def test_a_missing_blob_is_named_and_a_new_measurement_takes_the_place_of_the_old(store, run):
    run(fake_stage())
    first = store.find(fake_stage().key)
    blob_path(store.root, first.blobs["samples"]).unlink()
    assert damage_in(store) == [f"missing blob: {first.blobs['samples']}, of the record {first.key[:12]}"]
    assert store.incomplete() == {first.key}
    work = FakeWork()
    next(work._numbers)  # so that the samples are others
    run(fake_stage(), work)
    found = store.find(fake_stage().key)
    assert (found.facts["number"], store.incomplete(), damage_in(store)) == (1, set(), [])
    assert [row.facts["number"] for row in store.select()] == [1]
    assert [entry.facts["number"] for entry in store.scan().entries if entry.status == "done"] == [1]


def test_a_missing_blob_that_comes_out_the_same_makes_the_old_record_whole(store, run):
    run(fake_stage("evaluate"))
    first = store.find(fake_stage("evaluate").key)
    blob_path(store.root, first.blobs["samples"]).unlink()
    run(fake_stage("evaluate"))
    assert store.find(first.key) == first
    assert statuses(store) == ["started", "done", "started"]
    assert damage_in(store) == []


def test_a_missing_artifact_is_made_again(store, run):
    run(fake_stage("convert"))
    place = artifact_of(store.root, fake_stage("convert").key)
    (place / "model.tflite").unlink()
    place.rmdir()
    run(fake_stage("convert"))
    assert place.is_dir()
    assert statuses(store).count("done") == 1


def test_a_corrupted_record_is_named_and_its_stage_runs_again(store, run):
    run(fake_stage())
    (segment,) = (store.root / "records").iterdir()
    segment.write_bytes(segment.read_bytes().replace(b'"number":0', b'"number":9'))
    (reason,) = damage_in(store)
    assert reason.startswith(f"damaged record: {segment.name}, byte ")
    assert store.find(fake_stage().key) is None
    run(fake_stage())
    assert store.find(fake_stage().key).facts["number"] == 0


def test_one_device_measures_one_cell_at_a_time(store, run):
    stays = []

    def measure(_asked):
        begin = time.monotonic()
        time.sleep(0.03)
        stays.append((begin, time.monotonic()))
        return StageResult({})

    work = FakeWork()
    work.kinds["measure"] = measure
    cells = [fake_stage(name=name, device="board") for name in "ab"]
    threads = [threading.Thread(target=run, args=(cell, work)) for cell in cells]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (_begin, end), (begin, _end) = sorted(stays)
    assert end <= begin


def test_the_peak_memory_of_a_stage_is_its_own_childs(store, run, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))  # so that the child imports its task

    def with_child(size_mb):
        work = FakeWork()
        task = "builders.child_tasks:hold_memory"
        work.kinds["measure"] = lambda _asked: StageResult({}, run_in_child(task, {"size_mb": size_mb}))
        return work

    run(fake_stage(name="large"), with_child(80))
    run(fake_stage(name="small"), with_child(1))
    run(fake_stage(name="none"))
    large, small, none = (store.find(fake_stage(name=one).key) for one in ("large", "small", "none"))
    assert large.memory_peak_bytes > small.memory_peak_bytes + 60_000_000
    assert none.memory_peak_bytes is None
