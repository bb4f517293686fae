"""Running, deploying and locking, with this machine as the device: the same scripts run on phones and boards."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from builders.waiting import PATIENCE_S, wait_until

from detlite.devices.deploy.clean import clean
from detlite.devices.deploy.deploy import deploy
from detlite.devices.deploy.device_lock import BusyDeviceError, hold
from detlite.devices.deploy.files import DeviceFile, check_architecture, device_file
from detlite.devices.deploy.job import JobError, job_lines
from detlite.devices.transport.local import LocalTransport
from detlite.devices.transport.run import alive, get, run
from detlite.runtime.errors import DeviceError, InputError

HERE = LocalTransport("here")


@pytest.fixture
def work(tmp_path) -> str:
    return str(tmp_path / "work")


@pytest.fixture
def photo(tmp_path) -> DeviceFile:
    (tmp_path / "photo.npy").write_bytes(b"1234")
    return device_file(tmp_path / "photo.npy")


def is_running(marker: str) -> bool:
    return any(marker.encode() in path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists())


def test_arguments_arrive_as_they_are():
    done = run(HERE, ["printf", "%s|", "a b", "$HOME", "'", '"; exit 3'], timeout_s=60)
    assert done.out == b"a b|$HOME|'|\"; exit 3|"


def test_the_exit_status_and_both_streams_come_back():
    done = run(HERE, ["sh", "-c", "cat; echo no >&2; exit 42"], timeout_s=60, stdin=b"\0\xff")
    assert (done.status, done.out, done.err) == (42, b"\0\xff", "no\n")


def test_what_takes_too_long_is_ended_on_the_device():
    with pytest.raises(DeviceError, match="here: sleep took longer than 0.3 s and was stopped there"):
        run(HERE, ["sleep", "61.5"], timeout_s=0.3)
    assert not is_running("sleep\x0061.5")


def test_a_device_that_answers_is_alive():
    assert alive(HERE)


def test_a_file_that_is_not_there_cannot_be_fetched(tmp_path):
    with pytest.raises(DeviceError, match="No such file"):
        get(HERE, str(tmp_path / "none"), timeout_s=60)


def test_files_stand_under_their_digests(work, photo):
    with hold(HERE, work, "test") as held:
        deployed = deploy(held, [photo])
    assert deployed.paths[photo.path] == f"{work}/files/{photo.sha256}.npy"
    assert Path(deployed.paths[photo.path]).read_bytes() == b"1234"


def test_a_second_deployment_moves_nothing(work, photo):
    with hold(HERE, work, "test") as held:
        moved = [deploy(held, [photo]).moved_bytes for _ in range(2)]
    assert moved == [4, 0]


def test_a_file_that_was_replaced_by_one_of_equal_size_is_put_again(work, photo):
    with hold(HERE, work, "test") as held:
        there = Path(deploy(held, [photo]).paths[photo.path])
        there.write_bytes(b"4321")
        again = deploy(held, [photo])
    assert (again.replaced, again.moved_bytes, there.read_bytes()) == ((photo.path,), 4, b"1234")


def test_a_missing_executable_bit_is_mended(work, tmp_path):
    (tmp_path / "tool.sh").write_text("#!/bin/sh\n")
    tool = device_file(tmp_path / "tool.sh", is_program=True)
    with hold(HERE, work, "test") as held:
        there = Path(deploy(held, [tool]).paths[tool.path])
        there.chmod(0o600)
        deploy(held, [tool])
    assert os.access(there, os.X_OK)


def test_a_program_for_another_architecture_is_refused(tmp_path):
    header = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\x00" + (183).to_bytes(2, "little")
    (tmp_path / "benchmark_model").write_bytes(header)
    with pytest.raises(InputError, match="is a program for aarch64, and orin is x86_64"):
        check_architecture(device_file(tmp_path / "benchmark_model", is_program=True), "x86_64", "orin")


def test_more_than_there_is_room_for_is_refused(work, photo):
    huge = DeviceFile(photo.path, photo.sha256, 1 << 60)
    with hold(HERE, work, "test") as held, pytest.raises(DeviceError, match="detlite devices clean here"):
        deploy(held, [huge])


def test_a_file_that_changes_on_the_way_is_not_kept(work, photo):
    lied = DeviceFile(photo.path, "0" * 64, 4)
    with hold(HERE, work, "test") as held, pytest.raises(DeviceError, match="arrived damaged"):
        deploy(held, [lied])
    assert list(Path(work).rglob("*")) == [Path(work) / "files"]


def test_a_held_device_is_busy_and_says_by_whom(work):
    busy = pytest.raises(BusyDeviceError, match=r"in use: .* measuring, heard of \d+ s ago")
    with hold(HERE, work, "measuring"), busy, hold(HERE, work, "other"):
        pass


def test_a_device_is_free_when_the_hold_ends(work):
    for _ in range(2):
        with hold(HERE, work, "test"):
            assert (Path(work) / "lock").is_dir()
    assert not (Path(work) / "lock").exists()


def lock_left(work: str, *, boot: str, beat: str) -> None:
    lock = Path(work) / "lock"
    lock.mkdir(parents=True)
    for name, text in (("token", "gone"), ("boot", boot), ("owner", "somebody"), ("beat", beat)):
        (lock / name).write_text(text + "\n")


def test_a_lock_from_before_a_restart_holds_nobody_back(work):
    lock_left(work, boot="another", beat=Path("/proc/uptime").read_text().split(".")[0])
    with hold(HERE, work, "test"):
        pass


@pytest.mark.parametrize("beat", ["1", "", "nonsense"])
def test_an_old_or_broken_lock_holds_nobody_back(work, beat):
    lock_left(work, boot=Path("/proc/sys/kernel/random/boot_id").read_text().strip(), beat=beat)
    with hold(HERE, work, "test"):
        pass


def test_a_folder_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DeviceError, match="its work folder cannot be used"), hold(HERE, f"{tmp_path}/file/x", "test"):
        pass


def test_the_lines_of_a_job_come_one_by_one(work, tmp_path):
    seen = tmp_path / "seen"
    wait = f'echo 1; until [ -e "{seen}" ]; do sleep 0.02; done; echo 2'
    with hold(HERE, work, "test") as held:
        lines = job_lines(held, ["sh", "-c", wait], timeout_s=PATIENCE_S)
        assert next(lines) == b"1\n"
        seen.touch()
        assert list(lines) == [b"2\n"]


def test_a_failed_job_gives_its_lines_then_its_status(work):
    with hold(HERE, work, "test") as held:
        lines = job_lines(held, ["sh", "-c", "echo one; printf tw; echo oops >&2; exit 3"], timeout_s=60)
        assert next(lines) == b"one\n"
        with pytest.raises(JobError, match="status 3: oops"):
            next(lines)


def test_a_job_that_takes_too_long_is_ended_with_all_its_processes(work):
    with (
        hold(HERE, work, "test") as held,
        pytest.raises(DeviceError, match="the job took longer than 1 s and was stopped there"),
    ):
        list(job_lines(held, ["sh", "-c", "sleep 62.5 & trap '' TERM; sleep 62.5"], timeout_s=1))
    assert not is_running("sleep\x0062.5")


def test_what_a_job_left_running_is_ended(work):
    with hold(HERE, work, "test") as held:
        list(job_lines(held, ["sh", "-c", "sleep 63.5 >/dev/null 2>&1 &"], timeout_s=60))
    assert not is_running("sleep\x0063.5")


def test_a_killed_workstation_frees_the_device(work):
    program = f"""
from detlite.devices.deploy.device_lock import hold
from detlite.devices.deploy.job import job_lines
from detlite.devices.transport.local import LocalTransport
with hold(LocalTransport("here"), {work!r}, "test") as held:
    for line in job_lines(held, ["sh", "-c", "echo on; sleep 64.5"], timeout_s=90):
        print("on", flush=True)
"""
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
    assert process.stdout is not None
    with process, process.stdout:
        assert process.stdout.readline() == b"on\n"
        process.send_signal(signal.SIGKILL)
    wait_until(lambda: not (Path(work) / "lock").exists() and not is_running("sleep\x0064.5"))


def test_cleaning_removes_the_files_and_nothing_else(work, photo):
    with hold(HERE, work, "test") as held:
        deploy(held, [photo])
    (Path(work) / "mine").write_text("")
    assert clean(HERE, work) > 0
    assert [path.name for path in Path(work).iterdir()] == ["mine"]
