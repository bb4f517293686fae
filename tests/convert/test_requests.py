"""Requests to child processes, through JSON and back."""

import json
from pathlib import Path

import pytest

from detlite.calibration.recipe import LintRequest, Recipe
from detlite.convert.options import DetectorOptions, NmsOptions
from detlite.convert.requests import ConvertRequest, ExportRequest, Given, InspectRequest
from detlite.runtime.errors import InputError
from detlite.runtime.records import from_record, to_record
from detlite.studies.search.judged import JudgedRequest

OPTIONS = DetectorOptions((320, 256), Path("/labels.txt"), NmsOptions(kind="fast", iou_threshold=0.5), logits=True)
JUDGED = JudgedRequest(
    source=Path("/a"),
    out=Path("/b"),
    options=OPTIONS,
    images=(Path("/1.jpg"), Path("/2.jpg")),
    recipe=Recipe(io="uint8", floating=("CONV_2D",)),
    lint=LintRequest(Path("/others"), ("3.jpg is damaged",), fail=True),
    held_out=(Path("/4.jpg"),),
    annotations=(Path("/images"), Path("/labels.json")),
    gates={"min_fidelity": 97.0},
    counts=(8, 16),
)


@pytest.mark.parametrize(
    "request_made",
    [
        ConvertRequest(Given(source=Path("/a.pb"), way="graph"), Path("/out"), OPTIONS, heads="postprocess"),
        ConvertRequest(Given(preset="ssdlite_mobilenet_v2", seed=3, classes=2), Path("/out"), weights="float16"),
        ExportRequest(Path("/a"), "onnx", Path("/out"), force=True),
        InspectRequest(Path("/a.pb"), DetectorOptions()),
        JUDGED,
    ],
)
def test_a_request_arrives_as_it_was_sent(request_made):
    sent = json.dumps(to_record(request_made))
    assert from_record(type(request_made), json.loads(sent)) == request_made


def test_a_request_that_lacks_something_says_what():
    with pytest.raises(InputError, match="it lacks out"):
        from_record(ConvertRequest, {"given": {"source": "/a.pb"}})
