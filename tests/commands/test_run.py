"""The arguments of `detlite run` and what it refuses before any work."""

import pytest
from builders.tiny_tflite import tiny_int8_model
from click.testing import CliRunner

from detlite.cli import detlite
from detlite.commands.options import RATIO
from detlite.runtime.errors import InputError


def run(*arguments):
    return CliRunner().invoke(detlite, ["run", *map(str, arguments)], catch_exceptions=True)


@pytest.mark.parametrize("text", ["0.9", "90", "90%", "90 %", 0.9, 90])
def test_a_ratio_may_be_in_percent(text):
    assert RATIO.convert(text, None, None) == pytest.approx(0.9)


@pytest.mark.parametrize(("text", "words"), [("x", "is no ratio"), ("-1", "is not from 0"), ("201", "is not from 0")])
def test_what_is_no_ratio_is_refused(text, words):
    done = run("model.pb", "--min-map-ratio", text)
    assert (done.exit_code, words in done.output) == (2, True)


def test_a_gate_of_map_needs_labels():
    done = run("model.pb", "--min-map-ratio", "95")
    with pytest.raises(InputError, match="--min-map-ratio needs labels: give --coco IMAGES ANNOTATIONS"):
        raise done.exception


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["model.pb", "--calibrate", "x"], "--calibrate needs images to score with: give --coco, --images or --videos"),
        (["model.pb", "--images", "x", "--coco", "x", "y"], "give one of --coco, --images and --videos"),
        (["model.pb", "--method", "neerest"], "no quantization method is called 'neerest'; did you mean 'nearest'"),
        (["model.pb", "--scheme", "int9"], "no quantization scheme is called 'int9'"),
        (["--scheme", "float16", "--count", "9"], "float16 only packs weights, without calibration: remove --count"),
        (["--scheme", "int16x8", "--io", "uint8"], "the scheme int16x8 has float32 input and heads"),
    ],
)
def test_options_that_do_not_go_together_are_refused_before_any_work(tmp_path, monkeypatch, words, text):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=text):
        raise run(*words).exception
    assert list(tmp_path.iterdir()) == []


def test_a_model_and_a_checkpoint_are_one_too_many(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pipeline.config").write_text("")
    (tmp_path / "model.pb").write_bytes(b"x")
    with pytest.raises(InputError, match="give one of: SOURCE, --config with --checkpoint"):
        raise run("model.pb", "--config", "pipeline.config", "--checkpoint", "model.ckpt-7").exception


def test_a_config_without_its_checkpoint_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pipeline.config").write_text("")
    with pytest.raises(InputError, match="--config needs --checkpoint"):
        raise run("--config", "pipeline.config").exception


def test_a_quantized_model_cannot_start_a_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.tflite").write_bytes(tiny_int8_model())
    with pytest.raises(InputError, match="the model's input is int8 already; give a float32 model to quantize"):
        raise run("model.tflite", "--images", ".").exception
    assert [path.name for path in tmp_path.iterdir()] == ["model.tflite"]
