"""`detlite postprocess`: operators that clip boxes before the op, and raw heads that are left with rescaled codes."""

from dataclasses import replace

import pytest
from builders.tiny_tflite import save_tiny, tiny_contract, tiny_model

from detlite.accuracy.anchors import RESCALED
from detlite.cli import main
from detlite.convert.load import with_heads
from detlite.convert.model import Model
from detlite.convert.tflite.clipped_codes import CLIPPED
from detlite.convert.tflite.postprocess import strip
from detlite.runtime.boxes.nms import Nms
from detlite.runtime.contract import contract_from_json
from detlite.runtime.tasks.detection import detection_of


def test_boxes_are_clipped_before_the_op_where_that_is_asked_for(tmp_path):
    save_tiny(tmp_path / "raw")
    assert main(["postprocess", str(tmp_path / "raw"), "--add", "--clip", "-o", str(tmp_path / "op")]) == 0
    assert CLIPPED.encode() in (tmp_path / "op" / "model.tflite").read_bytes()
    assert main(["postprocess", str(tmp_path / "raw"), "--add", "-o", str(tmp_path / "plain")]) == 0
    assert CLIPPED.encode() not in (tmp_path / "plain" / "model.tflite").read_bytes()


def test_clipping_without_adding_the_op_is_refused(tmp_path, capsys):
    save_tiny(tmp_path / "raw")
    assert main(["postprocess", str(tmp_path / "raw"), "--strip", "--clip", "-o", str(tmp_path / "op")]) == 2
    assert "--clip is for the op that --add adds" in capsys.readouterr().err
    assert not (tmp_path / "op").exists()


def clipping():
    """A model with raw heads whose original clips boxes wherever it runs."""
    return Model(tiny_model(), "tflite", tiny_contract(nms=Nms(clip_in_op=True)))


def test_an_op_clips_without_being_asked_where_the_original_does():
    made = with_heads(clipping(), "postprocess")
    assert CLIPPED.encode() in made.data
    assert detection_of(made.contract).nms.clip


def test_an_op_that_clips_is_written_to_the_contract_and_outlives_its_removal():
    made = with_heads(clipping(), "postprocess")
    read = contract_from_json(made.contract.to_json())
    assert read.to_json() == made.contract.to_json()
    _data, raw = strip(made.data, read)
    assert detection_of(raw).nms.clip_in_op


def test_clipping_can_be_left_out(tmp_path):
    save_tiny(tmp_path / "raw", clipping().contract)
    assert main(["postprocess", str(tmp_path / "raw"), "--add", "--no-clip", "-o", str(tmp_path / "op")]) == 0
    assert CLIPPED.encode() not in (tmp_path / "op" / "model.tflite").read_bytes()


def rescaled(folder):
    """Write an artifact with the op whose contract says that its box codes were rescaled."""
    contract = tiny_contract()
    marked = replace(contract, origin={**contract.origin, RESCALED: "by detlite quantize"})
    return with_heads(Model(tiny_model(), "tflite", marked), "postprocess").save(folder).model.parent


@pytest.mark.parametrize("heads", [["postprocess", "--strip"], ["convert", "--heads", "raw"]])
def test_raw_heads_with_rescaled_box_codes_are_told_of(heads, tmp_path, capsys):
    command, *options = heads
    out = tmp_path / "raw"
    assert main([command, str(rescaled(tmp_path / "op")), *options, "-o", str(out)]) == 0
    assert f"decode them with the anchors and the box coder in {out / 'contract.json'}" in capsys.readouterr().err


def test_an_op_that_decodes_rescaled_box_codes_is_not_told_of(tmp_path, capsys):
    given = rescaled(tmp_path / "op")
    assert main(["postprocess", str(given), "--score-threshold", "0.3", "-o", str(tmp_path / "out")]) == 0
    assert "decode them" not in capsys.readouterr().err
