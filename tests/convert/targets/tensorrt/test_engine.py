"""`detlite inspect` of a TensorRT engine: its header, and the facts that a compilation wrote beside it."""

import hashlib
import json

import pytest
from builders.json_schemas import check_record

from detlite.cli import main
from detlite.convert.inspection import inspect_file
from detlite.convert.options import DetectorOptions
from detlite.runtime.errors import InputError

HEAD = b"ftrt" + bytes(20) + bytes((10, 3, 0, 30)) + b"layers"
OLDER = b"an engine of TensorRT 8.2"


def written(folder, data=HEAD, name="model.engine", **facts):
    """An engine; with *facts*, they are beside it."""
    path = folder / name
    path.write_bytes(data)
    if facts:
        known = {"sha256": hashlib.sha256(data).hexdigest(), "tensorrt": "10.3", "gpu": "Orin Nano"}
        (folder / "engine.json").write_text(json.dumps({**known, **facts}))
    return path


@pytest.mark.parametrize("name", ["model.engine", "model.plan"])
def test_an_engine_says_which_version_built_it(tmp_path, name):
    facts = inspect_file(written(tmp_path, name=name), DetectorOptions())
    assert facts["is"] == "an engine of TensorRT 10.3.0.30, which runs with this version and this GPU only"
    assert facts["missing"] == ["the GPU that it was built on: no engine.json beside it describes it"]


def test_an_engine_of_tensorrt_for_rtx_says_so(tmp_path):
    facts = inspect_file(written(tmp_path, b"v" + HEAD[1:]), DetectorOptions())
    assert facts["engine"]["built_by"] == "TensorRT for RTX 10.3.0.30"


def test_what_a_compilation_noted_is_shown(tmp_path, capsys):
    path = written(tmp_path, precision="fp16", power_mode="15W")
    assert main(["inspect", str(path), "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    check_record(record)
    assert (record["engine"]["gpu"], record["engine"]["built_by"]) == ("Orin Nano", "TensorRT 10.3.0.30")
    assert main(["inspect", str(path)]) == 0
    said = capsys.readouterr().out
    assert "precision" in said
    assert said.endswith(
        "model.engine: an engine of TensorRT 10.3.0.30 on Orin Nano, which runs with this version and this GPU only; "
        "next: measure it where it was built: detlite measure --device NAME\n"
    )


def test_an_older_engine_is_known_by_what_a_compilation_noted(tmp_path):
    facts = inspect_file(written(tmp_path, OLDER, tensorrt="8.2"), DetectorOptions())
    assert facts["is"].startswith("an engine of TensorRT 8.2 on Orin Nano")


def test_facts_of_another_engine_are_not_taken_for_its_own(tmp_path):
    facts = inspect_file(written(tmp_path, sha256="0" * 64), DetectorOptions())
    assert facts["engine"]["gpu"] is None


@pytest.mark.parametrize("facts", [{}, {"sha256": "0" * 64}])
def test_a_file_that_does_not_start_like_an_engine_is_refused(tmp_path, facts):
    with pytest.raises(InputError, match="does not start like an engine of TensorRT 8.6 or newer, and no engine.json"):
        inspect_file(written(tmp_path, OLDER, **facts), DetectorOptions())


def test_damaged_facts_are_named(tmp_path):
    path = written(tmp_path)
    (tmp_path / "engine.json").write_text('{"sha256": 7}')
    with pytest.raises(
        InputError,
        match=r"engine.json is damaged \(sha256 holds '7', want a text\): remove it, or compile the model again",
    ):
        inspect_file(path, DetectorOptions())
