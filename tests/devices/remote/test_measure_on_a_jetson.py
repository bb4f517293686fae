"""`detlite measure --device` on a scripted Jetson: its own words are in the record, its power mode is kept to."""

import json
import sys

import pytest
from builders.scripted_device import fake_ssh, jetson
from builders.tiny_tflite import save_tiny

from detlite.cli import main


@pytest.fixture(scope="module")
def artifact(tmp_path_factory):
    folder = tmp_path_factory.mktemp("artifact") / "tiny"
    save_tiny(folder)
    return folder


@pytest.fixture
def measure(tmp_path, monkeypatch, capsys, artifact):
    """Measures a tiny model on a scripted Jetson, by the Python of this machine; returns status, stdout, stderr."""
    made = jetson(tmp_path / "it")
    monkeypatch.setenv("PATH", f"{fake_ssh(tmp_path / 'ssh', made)}:/usr/bin:/bin")
    inventory = tmp_path / "devices.toml"
    monkeypatch.setenv("DETLITE_DEVICES", str(inventory))

    def run(more: str, *arguments):
        table = (
            f'[orin]\nkind = "jetson"\naddress = "orin.lan"\nwork = "{tmp_path}/work"\npython = "{sys.executable}"\n'
        )
        inventory.write_text(table + more)
        few = ("--queries", "30", "--processes", "1", "--min-seconds", "0")
        status = main(["measure", str(artifact), "--device", "orin", *few, *map(str, arguments)])
        said = capsys.readouterr()
        return status, said.out, said.err

    run.work = tmp_path / "work"
    return run


def test_the_record_has_what_the_board_said_before_and_after(measure):
    status, out, _err = measure('power_mode = "15W"\n', "--json")
    record = json.loads(out)
    assert (status, record["emulated"], record["device"]["identity"]["system"]) == (0, True, "L4T 36.4.3")
    assert record["standing_before"]["power_mode"] == record["standing_after"]["power_mode"] == "15W"
    assert record["standing_before"]["rails_mw"] == {"VDD_IN": 5000.0}
    assert record["watched"]["temperatures_max_c"]["tj"] == 56.656
    assert record["reasons"][0] == "the device is emulated: its times say nothing of a real one"


def test_in_another_power_mode_nothing_is_measured(measure):
    status, out, err = measure('power_mode = "MAXN_SUPER"\n')
    assert (status, out) == (1, "")
    assert err.splitlines()[-1] == (
        "detlite: orin: it is in the power mode 15W, and the inventory requires MAXN_SUPER; nothing was measured: "
        "sudo nvpmodel -m 2"
    )
    assert not (measure.work / "files").exists() or not any((measure.work / "files").iterdir())


def test_benchmark_model_without_a_device_is_refused(capsys, artifact):
    assert main(["measure", str(artifact), "--benchmark-model", "x"]) == 2
    assert "give --device NAME" in capsys.readouterr().err
