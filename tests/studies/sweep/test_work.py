"""What the stages do, each by detlite's own function."""

import hashlib
import json
import shlex
import sys
from pathlib import Path

import pytest
from builders import replay_compiler

from detlite.commands.sweep_tools import tool_readers
from detlite.devices.deploy.device_lock import BusyDeviceError
from detlite.runtime.artifact import read_artifact
from detlite.runtime.errors import MissingToolError
from detlite.studies.sweep import work
from detlite.studies.sweep.work import WORK, StageInput, when_free


@pytest.fixture
def compile_(shared_data, tmp_path, monkeypatch):
    """Compile a real int8 model by a stand-in for the compiler, which replays what the real one wrote."""
    monkeypatch.delenv("EDGETPU_COMPILER", raising=False)
    folder = shared_data / "models" / "ssdlite_mobilenet_v2_quant_edgetpu_pair"
    model = folder / "detect.tflite"
    known = {"compiled": [str(folder / "detect_edgetpu.tflite")], "log": str(folder / "detect_edgetpu.log")}
    files = {hashlib.sha256(model.read_bytes()).hexdigest(): known}
    (tmp_path / "play.json").write_text(json.dumps({"mode": "replay", "version": "16.0", "files": files}))
    stand_in = shlex.join([sys.executable, replay_compiler.__file__, str(tmp_path / "play.json")])

    def compiled(**options):
        chosen = tool_readers().targets("edgetpu", {"compiler": stand_in, **options})
        request = {"chip": chosen.name, "options": json.loads(json.dumps(chosen.options))}
        return WORK["compile"](StageInput(request, model, None, tmp_path / "out"))

    return compiled


@pytest.mark.data
def test_a_compiled_model_becomes_an_artifact(compile_, tmp_path, shared_data):
    found = compile_()
    artifact = read_artifact(tmp_path / "out")
    pair = shared_data / "models" / "ssdlite_mobilenet_v2_quant_edgetpu_pair"
    assert artifact.model.read_bytes() == (pair / "detect_edgetpu.tflite").read_bytes()
    assert artifact.history[-1]["step"] == "compile edgetpu"
    assert found.facts["size_bytes"] == artifact.model.stat().st_size
    assert found.result["models"][0]["differences"] == []


@pytest.mark.data
def test_without_a_compiler_the_stage_says_what_to_install(compile_, tmp_path):
    with pytest.raises(MissingToolError, match="nowhere"):
        compile_(compiler=str(Path(tmp_path, "nowhere")))
    assert not (tmp_path / "out").exists()


def used_by_another(times):
    """A measurement whose device is in use that many times."""
    left = iter(range(times))

    def measure():
        if next(left, None) is not None:
            raise BusyDeviceError("board is in use: someone; wait, or end that job")
        return "measured"

    return measure


def test_a_device_that_another_machine_uses_is_waited_for(monkeypatch):
    waits = []
    monkeypatch.setattr(work.time, "sleep", waits.append)
    assert when_free(used_by_another(3)) == "measured"
    assert waits == [5.0, 5.0, 5.0]


def test_a_device_that_stays_in_use_fails_its_stage_after_half_an_hour(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(work.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(work.time, "sleep", lambda seconds: clock.__setitem__(0, clock[0] + seconds))
    with pytest.raises(BusyDeviceError, match="board is in use"):
        when_free(used_by_another(10_000))
    assert clock == [1800.0]
