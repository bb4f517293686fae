"""A simulated device by itself: what runs there, how it is lost, and that nothing is left of it."""

import os
import signal
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from builders.waiting import PATIENCE_S, wait_until

from detlite.devices.deploy.deploy import deploy
from detlite.devices.deploy.device_lock import hold
from detlite.devices.deploy.files import device_file
from detlite.devices.deploy.job import job_lines
from detlite.devices.doctor.examine import examine
from detlite.devices.inventory import Device
from detlite.devices.parsers import trtexec_log
from detlite.devices.remote.fleet import on_each
from detlite.devices.simulated.power import processes, simulated
from detlite.devices.simulated.simulator import simulator_called, simulator_names
from detlite.devices.survey.show import identified
from detlite.devices.transport.connect import connect
from detlite.devices.transport.run import alive, get, run
from detlite.devices.transport.simulated import SimulatedTransport
from detlite.devices.transport.transport import LostError
from detlite.runtime.errors import DeviceError, InputError
from detlite.runtime.runners.trtexec import read_times

WORK = ".cache/detlite"
OWN_FAULTS = [(name, fault) for name in simulator_names() for fault in simulator_called(name).faults]


@pytest.fixture
def board():
    with simulated("jetson") as running:
        yield running


@pytest.fixture
def way(board) -> SimulatedTransport:
    return SimulatedTransport("board", board.folder)


def device_of(running, name: str) -> Device:
    simulator = simulator_called(name)
    mode = simulator.settings.get("power_mode")
    return Device(f"simulated-{name}", simulator.kind, simulated=str(running.folder.path), power_mode=mode)


@cache
def findings(name: str, *faults: str) -> set[tuple[str, str]]:
    with simulated(name, faults) as running:
        device = device_of(running, name)
        with connect(device) as transport:
            found = examine(transport, device).findings
    return {(check, finding.level) for check, finding in found if check != "load"}


@pytest.mark.parametrize("name", simulator_names())
def test_every_simulated_device_is_recognized_as_its_kind(name):
    with simulated(name) as running:
        assert identified(device_of(running, name)).kind == simulator_called(name).kind


@pytest.mark.parametrize("name", simulator_names())
def test_nothing_would_spoil_a_measurement_on_a_device_without_a_fault(name):
    assert not {check for check, level in findings(name) if level == "spoils"}


@pytest.mark.parametrize(("name", "fault"), [*OWN_FAULTS, ("pixel", "disk-full")])
def test_the_doctor_finds_every_fault(name, fault):
    assert findings(name, fault) - findings(name)


def test_an_unknown_fault_is_answered_with_the_nearest():
    with pytest.raises(InputError, match="no fault of a Pixel 8 is called 'throtling'; did you mean 'throttling'?"):
        simulator_called("pixel").with_faults(["throtling"])


def test_bytes_come_back_as_they_went(way):
    data = os.urandom(300_000)
    assert run(way, ["cat"], timeout_s=60, stdin=data).out == data


def test_status_and_both_streams_come_back(way):
    done = run(way, ["sh", "-c", "echo out; echo no >&2; exit 42"], timeout_s=60)
    assert (done.status, done.out, done.err) == (42, b"out\n", "no\n")


@pytest.mark.parametrize(("arguments", "status"), [(["no-such-program"], 127), (["sh", "-c", "kill -9 $$"], 137)])
def test_what_ssh_says_of_a_program_without_a_status_is_said_here(way, arguments, status):
    assert subprocess.run(way.command(arguments), capture_output=True, check=False).returncode == status


def test_what_takes_too_long_is_ended_there(board, way):
    with pytest.raises(DeviceError, match=r"board: sleep took longer than 0.3 s and was stopped there"):
        run(way, ["sleep", "71.5"], timeout_s=0.3)
    wait_until(lambda: not processes(board.folder))


def test_its_own_files_and_programs_are_asked(way):
    assert b"NV Power Mode: 15W" in run(way, ["nvpmodel", "-q"], timeout_s=60).out


def test_its_trtexec_exports_times_as_a_real_one_does(board, way):
    words = ["--loadEngine=a.engine", "--exportTimes=times.json", "--iterations=4", "--duration=0"]
    done = run(way, ["trtexec", *words], timeout_s=60)
    assert trtexec_log.parse(done.out.decode())[0].passed
    assert read_times(board.folder.home / "times.json")["latency"] == [4_375_000, 4_425_000, 4_475_000, 4_525_000]


def test_files_are_deployed_once_and_verified(way, tmp_path):
    (tmp_path / "photo.npy").write_bytes(b"1234")
    photo = device_file(tmp_path / "photo.npy")
    with hold(way, WORK, "test") as held:
        first, second = deploy(held, [photo]), deploy(held, [photo])
    assert (first.moved_bytes, second.moved_bytes) == (4, 0)
    assert get(way, first.paths[photo.path], timeout_s=60) == b"1234"


def test_it_says_itself_that_it_is_no_real_device(way, tmp_path):
    with hold(way, WORK, "test") as held:
        assert deploy(held, []).emulator == "detlite's simulator"


def test_a_client_that_is_killed_takes_its_program_with_it(board, way):
    process = subprocess.Popen(way.command(["sh", "-c", "echo on; sleep 72.5"]), stdout=subprocess.PIPE)
    assert process.stdout is not None
    with process:
        assert process.stdout.readline() == b"on\n"
        process.kill()
    wait_until(lambda: not processes(board.folder))


def test_a_job_on_a_device_that_is_cut_off_is_lost_and_ended_there(board, way):
    with hold(way, WORK, "test") as held:
        lines = job_lines(held, ["sh", "-c", "echo on; sleep 73.5"], timeout_s=60)
        assert next(lines) == b"on\n"
        board.cut(60)
        with pytest.raises(LostError, match="the simulation does not answer"):
            next(lines)
    wait_until(lambda: not processes(board.folder))


def test_a_device_that_was_cut_off_is_back_and_free(board, way):
    with hold(way, WORK, "test"):
        board.cut(0.2)
    wait_until(lambda: alive(way))
    with hold(way, WORK, "again"):
        pass


def test_nothing_is_left_of_a_device_that_is_off():
    with simulated("jetson") as running:
        way = SimulatedTransport("board", running.folder)
        process = subprocess.Popen(
            way.command(["sh", "-c", "trap '' HUP TERM; setsid sleep 74.5 & echo on; sleep 74.5"]), stdout=-1
        )
        assert process.stdout is not None
        assert process.stdout.readline() == b"on\n"
        assert len(processes(running.folder)) > 1
    assert (processes(running.folder), running.folder.path.exists()) == ([], False)
    with process, pytest.raises(LostError, match="board is off"):
        run(way, ["true"], timeout_s=60)


def test_a_simulator_that_was_killed_is_a_lost_device(tmp_path):
    program = """
import signal
from detlite.devices.simulated.power import simulated
with simulated("pixel") as running:
    print(running.folder.path, flush=True)
    signal.pause()
"""
    from detlite.devices.simulated.folder import Folder

    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdout is not None
    with process, process.stdout:
        folder = Folder(Path(process.stdout.readline().strip()))
        process.send_signal(signal.SIGKILL)
    assert not alive(SimulatedTransport("phone", folder))


def test_four_devices_work_side_by_side(tmp_path):
    """Each waits until all four have begun: one after the other they would never end."""
    with (
        simulated("pixel") as one,
        simulated("coral") as two,
        simulated("jetson") as three,
        simulated("jetson") as four,
    ):
        devices = [
            Device(f"board-{place}", "generic_linux", simulated=str(running.folder.path))
            for place, running in enumerate((one, two, three, four))
        ]
        meet = f'touch "{tmp_path}/$0"; until [ $(ls {tmp_path} | wc -l) = 4 ]; do sleep 0.02; done; echo "$0"'

        def work(device: Device) -> list[bytes]:
            with connect(device) as transport, hold(transport, device.folder, "test") as held:
                return list(job_lines(held, ["sh", "-c", meet, device.name], timeout_s=PATIENCE_S))

        assert on_each(devices, work) == [[b"board-0\n"], [b"board-1\n"], [b"board-2\n"], [b"board-3\n"]]
