"""The contract of a model as a table of a report."""

from builders.float_detector import detector

from detlite.studies.report.contract_table import contract_table


def test_the_table_says_what_goes_in_what_comes_out_and_how_it_is_decoded():
    contract = detector().contract
    rows = dict(contract_table("Contract", "How to use it.", contract).rows)
    assert rows["input"] == f"1 x {contract.image.height} x {contract.image.width} x 3 float32, RGB"
    assert rows["pixels"] == "(pixel - 127.5) / 127.5"
    assert rows["output 0"].startswith("box_encodings, 1 x ")
    assert rows["classes"] == str(len(contract.labels))
    assert rows["anchors"] == str(len(contract.task.anchors))
    assert "iou threshold" in rows["nms"]
