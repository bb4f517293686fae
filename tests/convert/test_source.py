"""What a source is, as far as its name and first bytes tell."""

import tarfile
import zipfile
from dataclasses import replace

import pytest
from builders.tiny_tflite import save_tiny, tiny_model

from detlite.convert.source import ARCHIVE, ARTIFACT, TFLITE, recognize
from detlite.runtime.errors import InputError


def test_a_zip_is_an_archive(tmp_path):
    with zipfile.ZipFile(tmp_path / "model.zip", "w") as archive:
        archive.writestr("saved_model.pb", b"graph")
    assert recognize(tmp_path / "model.zip").format == ARCHIVE


def test_a_tar_is_an_archive_whatever_its_name(tmp_path):
    (tmp_path / "graph.pb").write_bytes(b"graph")
    with tarfile.open(tmp_path / "download", "w") as archive:
        archive.add(tmp_path / "graph.pb", "graph.pb")
    assert recognize(tmp_path / "download").format == ARCHIVE


def test_a_tflite_file_with_a_zip_appended_is_no_archive(tmp_path):
    path = tmp_path / "labelled.tflite"
    path.write_bytes(tiny_model())
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("labels.txt", "cat\n")
    assert recognize(path).format == TFLITE


def test_a_folder_that_detlite_wrote_is_an_artifact(tmp_path):
    artifact = save_tiny(tmp_path / "tiny")
    source = recognize(artifact.model.parent)
    assert (source.format, source.sha256) == (ARTIFACT, artifact.history[-1]["output_sha256"])


def test_a_message_names_a_format_with_its_article(tmp_path):
    (tmp_path / "model.tflite").write_bytes(tiny_model())
    source = recognize(tmp_path / "model.tflite")
    assert (source.kind, replace(source, title="ONNX model").kind) == ("a TFLite model", "an ONNX model")


def test_what_is_missing_is_named_with_what_could_be_given(tmp_path):
    with pytest.raises(InputError, match=r"does not exist; give a zoo archive \(.tar.gz, .zip\)"):
        recognize(tmp_path / "nothing")
