"""`detlite postprocess --clip`."""

from builders.tiny_tflite import save_tiny

from detlite.cli import main
from detlite.convert.tflite.clipped_codes import CLIPPED


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
