"""What is made ready for a device of a model that detlite did not write: the files of an artifact, which read back."""

import hashlib

from builders.tiny_tflite import tiny_contract, tiny_model

from detlite.devices.remote.staging import stage
from detlite.runtime.artifact import Artifact, read_artifact


def test_a_bare_model_is_staged_with_a_contract_a_history_and_labels_that_read_back_as_an_artifact(tmp_path):
    bare, scratch, there = tmp_path / "detect.tflite", tmp_path / "scratch", tmp_path / "there"
    bare.write_bytes(tiny_model())
    scratch.mkdir()
    there.mkdir()
    contract = tiny_contract()
    staged = stage(Artifact(bare, contract, ()), scratch)
    for name, file in staged.artifact.items():
        (there / name).write_bytes(file.path.read_bytes())
    arrived = read_artifact(there)
    assert arrived.contract.to_json() == contract.to_json()
    assert arrived.model.read_bytes() == bare.read_bytes()
    digest = hashlib.sha256(bare.read_bytes()).hexdigest()
    assert arrived.history == ({"step": "given", "tool": "detlite", "output_sha256": digest},)
