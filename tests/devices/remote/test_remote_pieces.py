"""What is told apart without a device: adb's states, ssh's words, the board's errors, what is kept of a job."""

from dataclasses import fields, replace

import pytest
from builders.run_records import latency

from detlite.devices.deploy.job import JobError
from detlite.devices.inventory import Device
from detlite.devices.remote.board_errors import board_errors
from detlite.devices.remote.board_measure import FLAGS, option_words
from detlite.devices.remote.facts import is_emulated, marked_emulated
from detlite.devices.remote.fleet import on_each, refuse_failures
from detlite.devices.remote.journal import Journal
from detlite.devices.transport.adb import parse_states
from detlite.devices.transport.local import LocalTransport
from detlite.devices.transport.run import split_end
from detlite.devices.transport.ssh import open_ssh
from detlite.runtime.board.options import parsed
from detlite.runtime.errors import DeviceError, InputError, MissingToolError
from detlite.runtime.measure.device_mark import marked_text
from detlite.runtime.measure.options import MeasureOptions
from detlite.runtime.measure.results import Measurement

BOARD = Device("orin", "jetson", "orin.lan")


def test_the_states_of_adb_are_told_apart():
    text = (
        "* daemon not running; starting now at tcp:5037\nList of devices attached\n"
        "3A2B\tdevice\n10.0.0.2:5555\toffline\n"
        "9C\tunauthorized\nAB\tno permissions (user in plugdev group; are your udev rules wrong?)\n\n"
    )
    states = {"3A2B": "device", "10.0.0.2:5555": "offline", "9C": "unauthorized", "AB": "no permissions"}
    assert parse_states(text) == states


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        (
            "@@@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @@@\nHost key verification failed.\n",
            "host key changed",
        ),
        ("No ED25519 host key is known for orin and you have requested strict checking.", "host key is not known"),
        ("nvidia@orin: Permission denied (publickey).", "does not accept your key"),
        ("ssh: connect to host orin port 22: Connection refused", "nothing answers at its ssh port"),
        ("ssh: connect to host orin port 22: No route to host", "no network route"),
        ("ssh: connect to host orin port 22: Connection timed out", "does not answer"),
        ("ssh: Could not resolve hostname orin.lan: Name or service not known", "is orin.lan right"),
        (
            "Timeout, server orin not responding.",
            "the connection to orin.lan broke; Timeout, server orin not responding",
        ),
        ("", "ssh printed nothing"),
    ],
)
def test_the_words_of_ssh_get_a_meaning_and_status_4(said, meant):
    transport = open_ssh("orin", "orin.lan")
    error = transport.explain(said)
    transport.close()
    assert meant in str(error)
    assert error.exit_status == 4


def test_ssh_takes_no_host_key_and_asks_nothing():
    transport = open_ssh("orin", "orin.lan", user="nvidia", port=2222)
    command = transport.command(["echo", "a b; c"])
    transport.close()
    assert command[-3:] == ["--", "orin.lan", "echo 'a b; c'"]
    assert {"StrictHostKeyChecking=yes", "BatchMode=yes", "2222", "nvidia"} <= set(command)


def test_a_status_is_told_apart_from_what_a_program_wrote():
    assert split_end("warning\n\x1eend 7\n") == ("warning\n", 7)
    assert split_end("end 7\n") == ("end 7\n", None)


@pytest.mark.parametrize(
    ("status", "said", "kind", "text"),
    [
        (2, "x\nboard.pyz: m.tflite is no model\n", InputError, "orin: m.tflite is no model"),
        (3, "board.pyz: no TFLite interpreter is installed\n", MissingToolError, "orin: no TFLite interpreter"),
        (127, "timeout: failed to run command 'python3'", MissingToolError, "orin has no program python3"),
        (1, "Traceback\nModuleNotFoundError: No module named 'numpy'\n", MissingToolError, "no module 'numpy'"),
        (1, "Traceback\nTypeError: no\n", DeviceError, "failed with status 1: TypeError: no"),
        (137, "", DeviceError, "failed with status 137: no word"),
    ],
)
def test_an_error_there_is_the_same_error_here(status, said, kind, text):
    with pytest.raises(kind, match=text), board_errors(BOARD):
        raise JobError("orin", status, said)


def test_a_line_that_was_cut_is_not_kept_and_the_next_one_stands_alone(tmp_path):
    kept = Journal(tmp_path / "job.jsonl")
    kept.append(b'{"image": 1}\n')
    kept.append(b'{"ima')
    assert kept.read() == [{"image": 1}]
    kept.append(b'{"image": 2}\n')
    assert kept.read() == [{"image": 1}, {"image": 2}]


def test_a_damaged_journal_is_one_clear_error(tmp_path):
    (tmp_path / "job.jsonl").write_bytes(b"\xff\n")
    with pytest.raises(InputError, match="is damaged"):
        Journal(tmp_path / "job.jsonl").read()


def test_one_device_that_fails_stops_no_other():
    devices = [BOARD, Device("pixel8", "pixel", None, "3A")]

    def work(device: Device) -> str:
        if device is BOARD:
            raise DeviceError("orin was lost")
        return device.name

    results = on_each(devices, work)
    assert results[1] == "pixel8"
    with pytest.raises(DeviceError, match="orin was lost"):
        refuse_failures(devices, results)


def test_no_line_of_an_emulated_device_goes_without_the_word():
    assert marked_text("p50 3 ms\np90 4 ms\n", "emulated") == "emulated: p50 3 ms\nemulated: p90 4 ms\n"


def test_what_is_measured_on_an_emulated_device_is_not_valid():
    found = marked_emulated(Measurement.from_record(latency()))
    assert found.validity.startswith("INVALID because the device is emulated")


@pytest.mark.parametrize(("told", "seen", "is_one"), [(True, "", True), (False, "qemu-user", True), (False, "", False)])
def test_a_device_is_emulated_when_told_or_seen(told, seen, is_one):
    assert is_emulated(Device("a", "jetson", "a", is_emulated=told), {"emulator": seen}) is is_one


def test_a_shell_that_was_killed_is_a_lost_device():
    assert LocalTransport("here").explain("").exit_status == 4


def test_every_option_of_a_measurement_goes_to_the_board():
    assert {*FLAGS, "threads", "xnnpack", "delegates"} == {one.name for one in fields(MeasureOptions)}
    asked = MeasureOptions(scenario="camera", fps=25.0, threads=2)
    assert MeasureOptions.from_values(parsed(["measure", "x", *option_words(asked)])) == replace(asked, preset="quick")
