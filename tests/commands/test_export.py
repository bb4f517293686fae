"""`detlite export` and `detlite convert --to`: exporters are plug-ins, and their names are the choices."""

import pytest
from builders.said_steps import announces_every_step
from builders.tiny_onnx import tiny_onnx
from builders.tiny_tflite import save_tiny

from detlite.cli import main
from detlite.convert.exporter import Exporter, export_model, exporter_names
from detlite.convert.model import model_of
from detlite.runtime.plugins import load_plugins


@pytest.fixture
def artifact(tmp_path):
    return save_tiny(tmp_path / "tiny").model.parent


@pytest.fixture
def pretended(tmp_path, monkeypatch):
    """Another exporter, found in a folder that is no part of detlite: it makes the tiny ONNX model of anything."""
    import detlite.convert.exporters as package

    folder = tmp_path / "plugins"
    folder.mkdir()
    (folder / "pretended.py").write_text(
        "from dataclasses import replace\n"
        "from builders.tiny_onnx import tiny_onnx\n"
        "from detlite.convert.exporter import Exporter\n"
        "def write(model, options):\n"
        "    return replace(model, data=tiny_onnx(), format='onnx')\n"
        "PLUGIN = Exporter(title='Pretended', suffix='.onnx', from_graph=write, from_tflite=write)\n"
    )
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(folder)])
    return "pretended"


def test_every_exporter_says_what_it_is():
    for name, exporter in load_plugins("detlite.convert.exporters").items():
        assert isinstance(exporter, Exporter), name
        assert exporter.title
        assert exporter.suffix.startswith(".")


def test_a_new_exporter_is_one_file(pretended, artifact):
    given = model_of(save_tiny(artifact.parent / "other"))
    made = export_model(given, pretended)
    assert pretended in exporter_names()
    assert (made.format, made.data, made.contract) == ("onnx", tiny_onnx(), given.contract)
    assert (made.history[-1]["step"], made.history[-1]["to"]) == ("export", pretended)
    assert made.history[-1]["input_sha256"] == given.sha256


@pytest.mark.parametrize("command", ["export", "convert"])
def test_an_exporter_that_is_not_there_is_named_with_those_that_are(capsys, tmp_path, artifact, command):
    assert main([command, str(artifact), "--to", "coreml", "-o", str(tmp_path / "out")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("detlite: no exporter is called 'coreml'; there are: ")
    assert line.endswith(", ".join(exporter_names()))


def test_a_model_in_that_format_already_is_not_written_twice(capsys, tmp_path, artifact):
    assert main(["export", str(artifact), "--to", "tflite", "-o", str(tmp_path / "out")]) == 2
    assert "the model is TFLite already" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_convert_writes_the_format_that_is_asked_for(capsys, tmp_path, artifact):
    assert main(["convert", str(artifact), "--to", "tflite", "-o", str(tmp_path / "out")]) == 0
    assert announces_every_step(capsys.readouterr().err)
    assert (tmp_path / "out" / "model.tflite").read_bytes() == (artifact / "model.tflite").read_bytes()


@pytest.mark.parametrize(
    ("given", "error"),
    [
        (["--outputs", "a"], "--outputs needs --via tf2onnx"),
        (["--input", "8x8"], "--input needs --via tf2onnx"),
        (["--via", "tf2onnx", "--nms", "none"], "--nms is for detlite's own ONNX: --via tf2onnx takes the graph as it"),
        (["--via", "tf2onnx", "--input", "8y8"], "--input '8y8': want HEIGHTxWIDTH in pixels"),
        (["--via", "tf2onnx", "--outputs", ","], "--outputs ',' names no output: want NAME[,NAME]"),
        (["--via", "tf2onnx", "--images", "none"], "none is not a folder of images"),
    ],
)
def test_options_of_another_route_are_refused(capsys, tmp_path, artifact, given, error):
    assert main(["export", str(artifact), "--to", "onnx", "-o", str(tmp_path / "out"), *given]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"detlite: {error}")
    assert not (tmp_path / "out").exists()


def test_a_route_to_onnx_writes_no_other_format(capsys, tmp_path, artifact):
    assert main(["export", str(artifact), "--to", "tflite", "--via", "tf2onnx", "-o", str(tmp_path / "out")]) == 2
    assert "--via tf2onnx writes ONNX: it needs --to onnx" in capsys.readouterr().err
