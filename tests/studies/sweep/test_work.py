"""What the stages do, each by detlite's own function."""

import hashlib
import json
import shlex
import sys
from pathlib import Path

import pytest
from builders import replay_compiler

from detlite.commands.sweep_tools import tool_readers
from detlite.runtime.artifact import read_artifact
from detlite.runtime.errors import MissingToolError
from detlite.studies.sweep.work import WORK, StageInput


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
