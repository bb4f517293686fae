"""`detlite doctor` and `detlite devices` on a real adbd and a real sshd, whose programs are arm64 ones."""

import json

import pytest

pytestmark = [pytest.mark.slow]


def diagnosis(detlite, device: str):
    ran = detlite("doctor", "--device", device, "--json")
    return ran.status, json.loads(ran.out)


def spoiling(record) -> list[str]:
    return [one["check"] for one in record["findings"] if one["level"] == "spoils"]


def test_a_board_with_python_and_an_interpreter_has_nothing_that_spoils(both, inventory, detlite):
    inventory(both["board"])
    status, record = diagnosis(detlite, "board0")
    assert (status, spoiling(record), record["emulated"]) == (0, [], True)
    assert record["identity"]["facts"]["architecture"] == "aarch64"
    assert both["board"].jobs() == []


def test_an_adbd_without_android_is_no_phone(both, inventory, detlite):
    inventory(both["phone"])
    status, record = diagnosis(detlite, "phone0")
    assert (status, spoiling(record), record["kind"]) == (1, ["kind"], "generic_linux")
    assert both["phone"].jobs() == []


def test_a_device_that_is_gone_ends_with_4(start_device, inventory, detlite):
    board = start_device("board")
    inventory(board)
    board.stop()
    ran = detlite("doctor", "--device", "board0")
    assert (ran.status, ran.out) == (4, "")
    assert "board0: " in ran.err


def test_both_are_listed_with_what_they_are(both, inventory, detlite):
    inventory(*both.values())
    record = json.loads(detlite("devices", "list", "--json").out)
    kinds = {one["name"]: one["recognized"] or one["state"] for one in record["devices"]}
    assert (kinds["phone0"], kinds["board1"]) == ("generic_linux", "generic_linux")


def test_a_power_mode_that_a_board_has_not_stops_a_measurement(both, inventory, detlite, made):
    inventory(both["board"])
    path = detlite.folder / "devices.toml"
    path.write_text(path.read_text() + 'power_mode = "MAXN"\n')
    ran = detlite("measure", made / "int8", "--device", "board0", "--inventory", path)
    assert (ran.status, ran.out) == (1, "")
    assert "board0: the inventory requires the power mode MAXN, and the device has no power modes" in ran.err
