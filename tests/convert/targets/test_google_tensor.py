"""Compiling for a Pixel's TPU: the SDK is asked for, never imitated; ai-edge-litert's own failures are told."""

import importlib.util

import pytest
from builders.tiny_tflite import save_tiny

from detlite.cli import main
from detlite.convert.targets.google_tensor.compile import SDK_MODULE, SDK_VARIABLE
from detlite.convert.targets.google_tensor.target import SOCS

pytestmark = pytest.mark.skipif(importlib.util.find_spec(SDK_MODULE) is not None, reason="Google's SDK is installed")


@pytest.fixture(scope="module")
def artifact(tmp_path_factory):
    folder = tmp_path_factory.mktemp("artifact") / "tiny"
    save_tiny(folder)
    return folder


def compiled(capsys, artifact, *arguments):
    status = main(["compile", str(artifact), *map(str, arguments)])
    return status, capsys.readouterr().err


@pytest.mark.parametrize("target", sorted(SOCS))
def test_without_the_sdk_it_says_what_to_install(capsys, tmp_path, monkeypatch, artifact, target):
    monkeypatch.delenv(SDK_VARIABLE, raising=False)
    status, err = compiled(capsys, artifact, "--target", target, "-o", tmp_path / "out")
    assert status == 3
    assert "pip install ai-edge-litert-sdk-google-tensor" in err
    assert not (tmp_path / "out").exists()


def test_a_folder_without_the_compiler_fails_and_writes_nothing(capsys, tmp_path, monkeypatch, artifact):
    monkeypatch.setenv(SDK_VARIABLE, str(tmp_path))
    status, err = compiled(capsys, artifact, "--target", "tensor_g4", "-o", tmp_path / "out")
    assert status == 4
    assert "Google's compiler for Tensor failed: ERROR" in err
    assert "cannot open shared object file" in err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("option", [("--fix", "all-lossless"), ("--num-segments", "2"), ("--min-runtime", "13")])
def test_the_edge_tpus_options_are_refused(capsys, tmp_path, artifact, option):
    status, err = compiled(capsys, artifact, "--target", "tensor_g4", "-o", tmp_path / "out", *option)
    assert status == 2
    assert "only for the Edge TPU" in err
