"""`detlite devices simulate`, as a pipeline calls it."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from builders.tiny_tflite import save_tiny
from PIL import Image

from detlite.cli import main
from detlite.devices.inventory import Device, read_inventory
from detlite.devices.simulated.power import simulated
from detlite.runtime.errors import InputError

DETLITE = [sys.executable, "-m", "detlite.cli"]
QUICK = ["--queries", "8", "--min-seconds", "0", "--processes", "1"]


@pytest.fixture(scope="module")
def artifact(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("artifact") / "tiny"
    save_tiny(folder)
    return folder


@pytest.fixture(scope="module")
def photos(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    for seed in range(8):
        pixels = np.random.default_rng(seed).integers(0, 256, (30, 40, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{seed}.png")
    return folder


@pytest.fixture
def lab(tmp_path, monkeypatch):
    """Give a function that writes an inventory of simulated devices; a cache of this test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def write(**running) -> Path:
        rows = [
            f'[{name}]\nkind = "{kind}"\nsimulated = "{one.folder.path}"\n' for name, (kind, one) in running.items()
        ]
        (tmp_path / "lab.toml").write_text("\n".join(rows))
        return tmp_path / "lab.toml"

    return write


def simulate(*words: str, **settings) -> subprocess.CompletedProcess[str]:
    command = [*DETLITE, "devices", "simulate", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, **settings)


@pytest.fixture
def started(tmp_path):
    """A simulated Jetson that is there until a signal comes, and its inventory."""
    out = tmp_path / "lab.toml"
    command = [*DETLITE, "devices", "simulate", "jetson", "-o", str(out)]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        assert f"export DETLITE_DEVICES={out}\n" in process.stdout
        yield process, out
        process.kill()


def test_a_command_finds_the_devices_in_its_inventory_and_gives_its_status():
    done = simulate(
        "jetson", "pixel", "jetson", "--", "sh", "-c", 'grep "^\\[" "$DETLITE_DEVICES" | cut -d" " -f1; exit 7'
    )
    assert done.stdout.split() == ["[simulated-jetson]", "[simulated-pixel]", "[simulated-jetson-2]"]
    assert done.returncode == 7


def test_the_folder_for_temporary_files_may_have_a_long_name(tmp_path):
    folder = tmp_path / ("long" * 40)
    folder.mkdir()
    listing = [*DETLITE, "devices", "list", "--json"]
    done = simulate("pixel", "--", *listing, env={**os.environ, "TMPDIR": str(folder)})
    assert [device["there"] for device in json.loads(done.stdout)["devices"]] == [True, True]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_it_with_status_0_and_nothing_left(tmp_path, started, number):
    process, out = started
    (device,) = [one for one in read_inventory(out).devices.values() if one.name != "host"]
    assert Path(device.simulated).is_dir()
    process.send_signal(number)
    assert process.wait(timeout=120) == 0
    assert list(tmp_path.iterdir()) == []


def test_a_measurement_says_simulated_in_every_line_and_is_not_valid(lab, artifact, photos, capsys, tmp_path):
    out = tmp_path / "run"
    with simulated("coral") as running:
        inventory = lab(usb=("coral_usb", running))
        asked = ["measure", str(artifact), "--device", "usb", "--inventory", str(inventory), "--images", str(photos)]
        assert main([*asked, *QUICK, "-o", str(out)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > 8
    assert all(line.startswith("simulated: ") for line in lines)
    record = json.loads((out / "measurement.json").read_text())
    assert record["validity"].startswith("INVALID because the device is simulated: its times say nothing of a real one")
    assert (record["simulated"], record["device"]["simulated"], record["device"]["way"]) == (True, True, "simulated")


def test_what_is_scored_there_says_simulated(lab, artifact, photos, capsys, tmp_path):
    with simulated("coral") as running:
        inventory = lab(usb=("coral_usb", running))
        asked = ["evaluate", str(artifact), "--against", str(artifact), "--images", str(photos), "--device", "usb"]
        assert main([*asked, "--inventory", str(inventory), "-o", str(tmp_path / "scored.json")]) == 0
    assert all(line.startswith("simulated ") for line in capsys.readouterr().out.splitlines())
    record = json.loads((tmp_path / "scored.json").read_text())
    assert record["simulated"]
    assert {"simulated_detect_wall_s", "simulated_invoke_sum_s"} <= record.keys()
    assert "invoke_sum_s" not in record


@pytest.mark.slow
def test_a_device_that_vanishes_is_status_4_and_the_next_run_goes_on(lab, artifact, photos, capsys):
    with simulated("pixel", ["vanishes"]) as running:
        inventory = lab(phone=("pixel", running))
        asked = ["measure", str(artifact), "--device", "phone", "--inventory", str(inventory), "--images", str(photos)]
        assert main([*asked, *QUICK]) == 4
        assert "measure again to go on" in capsys.readouterr().err
        time.sleep(2.1)
        assert main([*asked, *QUICK]) == 0


def test_a_full_disk_is_status_4_and_says_what_frees_it(lab, artifact, photos, capsys):
    with simulated("pixel", ["disk-full"]) as running:
        inventory = lab(phone=("pixel", running))
        assert main(["measure", str(artifact), "--device", "phone", "--inventory", str(inventory)]) == 4
    assert "`detlite devices clean phone`" in capsys.readouterr().err


def test_a_list_says_simulated_of_each(lab, capsys):
    with simulated("pixel") as phone, simulated("jetson") as board:
        inventory = lab(phone=("pixel", phone), board=("jetson", board))
        assert main(["devices", "list", "--inventory", str(inventory), "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)["devices"]}
    assert rows["phone"]["state"].startswith("simulated, there")
    assert (rows["phone"]["model"], rows["board"]["model"]) == ("Pixel 8", "NVIDIA Jetson Orin Nano Developer Kit")


def test_several_devices_are_measured_by_one_command(lab, artifact, photos, capsys):
    with simulated("pixel") as phone, simulated("coral") as usb:
        inventory = lab(phone=("pixel", phone), usb=("coral_usb", usb))
        asked = ["measure", str(artifact), "--device", "phone", "--device", "usb", "--inventory", str(inventory)]
        assert main([*asked, "--images", str(photos), *QUICK, "--json"]) == 0
    records = json.loads(capsys.readouterr().out)["measurements"]
    assert [(record["device"]["name"], record["simulated"]) for record in records] == [("phone", True), ("usb", True)]


def test_faults_are_listed(capsys):
    assert main(["devices", "simulate", "--fault", "list", "jetson"]) == 0
    assert "jetson  power-mode: it is in the mode 7W, and the inventory requires 15W" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["pixl"], 2, "no simulated device is called 'pixl'; did you mean 'pixel'?"),
        ([], 2, "give the devices to simulate: coral, jetson, pixel"),
        (["--fault", "usb3", "coral"], 2, "no fault is called 'usb3'; did you mean 'usb2'?"),
        (["--fault", "usb2", "pixel"], 2, "no fault is called 'usb2'"),
        (["pixel", "--", "no-such-program"], 3, "no-such-program cannot be run: No such file"),
    ],
)
def test_what_cannot_be_simulated_is_one_line(capsys, words, status, said):
    assert main(["devices", "simulate", *words]) == status
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1


def test_an_inventory_that_is_there_is_not_written_over(tmp_path, capsys):
    (tmp_path / "lab.toml").write_text("mine")
    assert main(["devices", "simulate", "-o", str(tmp_path / "lab.toml"), "pixel"]) == 2
    assert "already exists" in capsys.readouterr().err
    assert (tmp_path / "lab.toml").read_text() == "mine"


def test_an_inventory_that_cannot_be_written_is_one_line_and_leaves_nothing(tmp_path, capsys):
    (tmp_path / "lab").write_text("a file, and no folder")
    assert main(["devices", "simulate", "-o", str(tmp_path / "lab" / "lab.toml"), "pixel", "--", "true"]) == 2
    err = capsys.readouterr().err
    assert "lab.toml cannot be written: " in err
    assert err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["lab"]


def test_a_simulated_device_has_no_other_way():
    with pytest.raises(InputError, match="no address and no serial"):
        Device("board", "jetson", address="orin.lan", simulated="folder")


def test_the_mark_cannot_be_taken_from_a_simulated_device():
    assert Device("board", "jetson", simulated="folder", is_emulated=False).mark == "simulated"


def test_its_help_has_an_example(capsys):
    assert main(["devices", "simulate", "--help"]) == 0
    assert "detlite devices simulate jetson -- detlite doctor" in capsys.readouterr().out
