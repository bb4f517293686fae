"""What goes wrong with devices, done to real daemons: the message, the exit status, and that nothing is left behind."""

import shutil
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from builders.emulated import Emulated
from builders.stubborn_phone import StubbornPhone
from builders.waiting import PATIENCE_S, wait_until

from detlite.devices.deploy.deploy import deploy
from detlite.devices.deploy.device_lock import LOCK_AGE_S, hold
from detlite.devices.deploy.files import device_file
from detlite.devices.deploy.job import job_lines
from detlite.devices.inventory import read_inventory
from detlite.devices.transport.connect import connect
from detlite.devices.transport.run import run
from detlite.runtime.errors import DeviceError, InputError

pytestmark = pytest.mark.slow

COUNTING = ["sh", "-c", "i=0; while :; do i=$((i + 1)); echo $i; sleep 0.2; done"]
FREE_S = LOCK_AGE_S + PATIENCE_S
NOTICED_S = 150  # within 15 s on a quiet machine; the job itself would go on for ever


@contextmanager
def held(device):
    with connect(device) as transport, hold(transport, device.folder, "test") as it:
        yield it


def counted_until(device, disturb) -> tuple[DeviceError, list[int], float]:
    """Run a job that counts, disturb it at its fifth line; return its error, its lines, and how long that took."""
    lines: list[int] = []
    disturbed: list[float] = []
    try:
        with held(device) as it:
            for line in job_lines(it, COUNTING, timeout_s=120):
                lines.append(int(line))
                if len(lines) == 5:
                    disturbed.append(time.monotonic())
                    threading.Thread(target=disturb).start()
    except DeviceError as error:
        return error, lines, time.monotonic() - disturbed[0]
    raise AssertionError("the job went on for ever")


def assert_free(emulated: Emulated, device) -> None:
    """Within the lock's age nothing runs there, nothing half lies there, and another job can begin."""
    deadline = time.monotonic() + FREE_S
    while True:
        try:
            with held(device) as it:
                assert list(job_lines(it, ["echo", "on"], timeout_s=20)) == [b"on\n"]
            break
        except DeviceError:
            assert time.monotonic() < deadline, list(emulated.work.rglob("*"))
            time.sleep(0.5)
    assert emulated.jobs() == []
    assert [path.name for path in emulated.work.iterdir()] == ["files"]


@pytest.fixture(params=["phone", "board"])
def lonely(request, start_device):
    """A device that a test may break."""
    return start_device(request.param)


def test_a_cut_link_is_noticed_within_seconds_and_the_device_frees_itself(lonely, inventory):
    (device,) = inventory(lonely)
    error, lines, took_s = counted_until(device, lonely.cut)
    assert error.exit_status == 4
    assert f"{device.name} was lost during the job" in str(error)
    assert lines == list(range(1, len(lines) + 1))
    assert took_s < NOTICED_S
    wait_until(lambda: not lonely.jobs(), patience_s=FREE_S, said=lonely.jobs)
    lonely.mend()
    assert_free(lonely, device)


def test_a_short_outage_is_survived(lonely, inventory):
    (device,) = inventory(lonely)
    with held(device) as it:
        lines = []
        for line in job_lines(it, ["sh", "-c", "for i in 1 2 3 4 5 6; do echo $i; sleep 1; done"], timeout_s=60):
            lines.append(line)
            if len(lines) == 2:
                lonely.cut()
                threading.Timer(2, lonely.mend).start()
    assert lines == [b"%d\n" % i for i in range(1, 7)]


def test_a_killed_daemon_is_said_and_frees_the_device(lonely, inventory):
    (device,) = inventory(lonely)
    error, lines, took_s = counted_until(device, lonely.kill_daemon)
    assert error.exit_status == 4
    assert "during the job" in str(error)
    assert lines == list(range(1, len(lines) + 1))
    assert took_s < NOTICED_S
    assert_free(lonely, device)


def test_a_restart_is_recognized_by_the_boot_id(lonely, inventory):
    (device,) = inventory(lonely)
    error, _lines, _took_s = counted_until(device, lonely.restart)
    assert error.exit_status == 4
    assert "restarted during the job" in str(error) or "was lost during the job" in str(error)
    lonely._await()
    assert_free(lonely, device)


def test_what_outlives_its_time_is_ended_there(emulated, inventory):
    (device,) = inventory(emulated)
    with pytest.raises(DeviceError, match="took longer than 1 s and was stopped there"), held(device) as it:
        list(job_lines(it, ["sh", "-c", "trap '' TERM; sleep 600 & sleep 600"], timeout_s=1))
    with (
        pytest.raises(DeviceError, match="sleep took longer than 1 s and was stopped there"),
        connect(device) as transport,
    ):
        run(transport, ["sleep", "600"], timeout_s=1)
    assert emulated.jobs() == []


@pytest.mark.parametrize("kind", ["phone", "board"])
def test_a_full_disk_leaves_no_half_file(kind, start_device, inventory, tmp_path):
    small = start_device(kind, room_mib=8)
    (device,) = inventory(small)
    (tmp_path / "large").write_bytes(bytes(12 << 20))
    (tmp_path / "fits").write_bytes(bytes(1 << 20))
    with held(device) as it:
        deploy(it, [device_file(tmp_path / "fits")])
        with pytest.raises(DeviceError, match=r"KiB free in .* KiB are needed: `detlite devices clean"):
            deploy(it, [device_file(tmp_path / "large")])
        with pytest.raises(
            DeviceError, match="No space left on device|remote write failed"
        ):  # as if it filled up since
            it.transport.put({"large": tmp_path / "large"}, f"{it.lock}/incoming", timeout_s=60)
    with connect(device) as transport:
        left = run(transport, ["find", device.folder, "-type", "f"], timeout_s=20).out.decode().split()
    assert [Path(path).name for path in left] == [device_file(tmp_path / "fits").name]


def test_a_program_of_another_architecture_is_refused(emulated, inventory):
    (device,) = inventory(emulated)
    program = device_file(Path(shutil.which("true")), is_program=True)
    with held(device) as it, pytest.raises(InputError, match="is a program for x86_64, and .* is aarch64"):
        deploy(it, [program])


def test_a_lost_executable_bit_is_given_back(emulated, inventory, arm64):
    (device,) = inventory(emulated)
    program = device_file(arm64.root / "usr/bin/true", is_program=True)
    with held(device) as it:
        deploy(it, [program])
        (emulated.work / "files" / program.name).chmod(0o600)
        there = deploy(it, [program])
        assert there.moved_bytes == 0
        assert list(job_lines(it, [there.paths[program.path]], timeout_s=20)) == []


def test_a_model_replaced_by_one_of_equal_size_is_put_again(emulated, inventory, tmp_path):
    (device,) = inventory(emulated)
    (tmp_path / "model.tflite").write_bytes(b"right" * 1000)
    model = device_file(tmp_path / "model.tflite")
    with held(device) as it:
        deploy(it, [model])
        there = emulated.work / "files" / model.name
        there.write_bytes(b"wrong" * 1000)
        again = deploy(it, [model])
    assert (again.replaced, again.moved_bytes) == ((model.path,), 5000)
    assert there.read_bytes() == b"right" * 1000


def test_a_second_job_is_told_who_has_the_device(emulated, inventory):
    (device,) = inventory(emulated)
    with (
        held(device),
        pytest.raises(DeviceError, match=r"is in use: .*, process \d+, test, heard of \d+ s ago"),
        held(device),
    ):
        pass


def test_a_host_key_that_changed_is_never_accepted(start_device, inventory):
    board = start_device("board")
    (device,) = inventory(board)
    board.new_host_key()
    board.restart()
    with pytest.raises(DeviceError, match="its host key changed") as caught, held(device):
        pass
    assert caught.value.exit_status == 4


def test_an_unknown_host_key_is_never_accepted(both, inventory):
    (device,) = inventory(both["board"])
    known = both["board"].scratch / "known_hosts"
    kept = known.read_text()
    known.write_text("")
    try:
        with pytest.raises(DeviceError, match="its host key is not known: connect once by hand"), held(device):
            pass
        assert known.read_text() == ""
    finally:
        known.write_text(kept)


def test_an_unauthorized_phone_is_told_apart(adb_server, arm64, inventory):
    phone = StubbornPhone()
    try:
        inventory(more=f'[shy]\nkind = "pixel"\nserial = "{phone.serial}"\n')
        shy = read_inventory().device("shy")
        with pytest.raises(DeviceError, match=r"shy .* is unauthorized: unlock it") as caught, held(shy):
            pass
        assert caught.value.exit_status == 4
    finally:
        phone.close()


def test_of_two_phones_none_is_guessed(both, start_device, inventory, detlite):
    first, second = both["phone"], start_device("phone")
    devices = inventory(first, second, more='[any]\nkind = "pixel"\n')
    for device in devices:
        with held(device):
            pass
    ran = detlite("devices", "clean", "any")
    assert ran.status == 2
    assert first.serial in ran.err
    assert second.serial in ran.err
