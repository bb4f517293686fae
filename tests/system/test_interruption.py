"""Ctrl-C, kill -9 and a full disk, in every stage: nothing half-written, and a later run goes on."""

import resource
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from builders.waiting import PATIENCE_S, is_alive, wait_until

pytestmark = pytest.mark.slow

WRITTEN_BY_A_RUN = {
    "run.json",
    "float32",
    "int8",
    "int8_postprocess",
    "reference.npz",
    "report.html",
    "report.md",
    "report.json",
}


def children_of(pid: int) -> list[int]:
    path = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in path.read_text().split()] if path.exists() else []


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*")}


def half_written(folder: Path) -> list[str]:
    return [str(path) for path in folder.rglob("*") if path.is_dir() and path.name.endswith((".partial", ".old"))]


@pytest.mark.parametrize("seconds", [0.3, 1.5, 4.0])
def test_ctrl_c_ends_with_130_and_leaves_nothing_half_written(detlite, made, seconds):
    status = 0
    while status == 0:  # it was done before the signal: sooner, then
        assert seconds > 0.02, "the signal never reaches the command"
        shutil.rmtree(detlite.folder / "x", ignore_errors=True)
        process = detlite.start("convert", made / "source", "-o", "x")
        time.sleep(seconds)
        pids = children_of(process.pid)
        process.send_signal(signal.SIGINT)
        _out, err = process.communicate(timeout=PATIENCE_S)
        status, seconds = process.returncode, seconds / 2
    assert status == 130
    assert "Traceback" not in err
    assert err.strip().splitlines()[-1] == "detlite: interrupted; nothing was written that was not finished"
    assert contents(detlite.folder / "x") in ({}, contents(made / "float"))  # nothing, or all of it
    assert not half_written(detlite.folder)
    wait_until(lambda: not any(map(is_alive, pids)))


@pytest.mark.parametrize("seconds", [2.0, 6.0, 10.0, 14.0])
def test_a_run_that_was_killed_goes_on(detlite, made, seconds):
    arguments = ("run", made / "source", "-o", "run", "--images", made / "photos")
    process = detlite.start(*arguments)
    time.sleep(seconds)
    pids = children_of(process.pid)
    process.kill()
    process.communicate()
    wait_until(lambda: not any(map(is_alive, pids)))
    ran = detlite(*arguments)
    assert ran.status in (0, 1), ran.err
    assert "Traceback" not in ran.err
    assert {path.name for path in (detlite.folder / "run").iterdir()} >= WRITTEN_BY_A_RUN
    assert not half_written(detlite.folder)


def test_a_full_disk_is_one_line_and_status_3(detlite, made):
    def small_files():
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    done = subprocess.run(
        detlite.command("postprocess", made / "int8", "--add", "-o", "x"),
        cwd=detlite.folder,
        env=detlite.environment,
        capture_output=True,
        text=True,
        preexec_fn=small_files,
    )
    assert done.returncode == 3
    assert "Traceback" not in done.stderr
    assert not (detlite.folder / "x").exists()
    assert not half_written(detlite.folder)
