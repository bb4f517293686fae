"""Operators that clip boxes before the post-processing op: `detlite postprocess --clip`, and where none asks."""

from builders.tiny_tflite import save_tiny, tiny_contract, tiny_model

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
