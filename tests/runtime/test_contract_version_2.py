"""Detectors' contracts are written and read as version 2 was at commit c65b97b, byte for byte."""

import hashlib
import json
from dataclasses import asdict, replace

import numpy as np
import pytest
from builders.float_detector import contract as float_contract
from builders.tiny_tflite import tiny_contract, tiny_int8_model, tiny_model
from hypothesis import given, settings
from hypothesis import strategies as st

from detlite.convert.tflite.heads import refreshed
from detlite.convert.tflite.open_file import TfliteFile
from detlite.convert.tflite.postprocess import attach
from detlite.runtime.boxes.coding import BOX_CODINGS, BoxCoder
from detlite.runtime.boxes.nms import Nms
from detlite.runtime.contract import contract_from_json
from detlite.runtime.tasks.detection import detection_of

CENTRES = {"nms": Nms(kind="peaks", cells=(2, 3)), "box_coder": BoxCoder(1, 1, 1, 1, "center_offset")}
CONTRACTS = {
    "raw": tiny_contract,
    "many classes": lambda: tiny_contract(50, 90),
    "fast": lambda: tiny_contract(nms=Nms(kind="fast", score_threshold=0.3, max_detections=10)),
    "photo": float_contract,
    "peaks": lambda: tiny_contract().with_task(**CENTRES),
    "int8": lambda: refreshed(tiny_contract(), TfliteFile(tiny_int8_model())),
    "op": lambda: attach(tiny_model(), tiny_contract())[1],
    "logits": lambda: tiny_contract().with_task(score_converter="SOFTMAX", score_converter_place="host"),
    "origin": lambda: replace(tiny_contract(), labels=("cat", "???", "жираф"), origin={"b": "2", "a": "1"}),
}
SHA256 = {
    "raw": "56a682cd615f75bdb4a86a10650a6491729ef8c8fd0776e771d27cc66188b7be",
    "many classes": "92ba8bd9b3925dfa850cc89ccb4e65d5ebb1702fd1cde8bfa41cc15e6a9e5530",
    "fast": "962ba2ad78ea44192c3bf03128bea7817c8a142ddf86720bc43ef24c200cfde4",
    "photo": "f71af7cd73aec86152d0e0769d4220f008629c75ef5ba186eb5009377da839a6",
    "peaks": "a6f9d668f0a29773a88e94fba636dba0b94d057724fb4f3b5d311d232f4aec1c",
    "int8": "cd453876ce1bfa011b23fd3e9d32b3c10fb42edbd44362fce29303b9acca25aa",
    "op": "22367d4e811f95bae3be9cb4c9d31667c1c7dbb960b49deced20d3ad3f729af1",
    "logits": "5b66686435249095f12b976476f3d6e2897087ce5d7e358871b1859a96d8e616",
    "origin": "a57b2c6a819c3e0ae6be594d1f42707ccac4cce4a7273c598e9b22671f829547",
}
"""Of the same contracts' texts, written by c65b97b itself."""


@pytest.mark.parametrize("name", CONTRACTS)
def test_the_text_has_the_digest_that_it_had(name):
    text = CONTRACTS[name]().to_json()
    assert hashlib.sha256(text.encode()).hexdigest() == SHA256[name]


def version_2(contract):
    """The record of *contract* as c65b97b built it, field by field."""
    task = detection_of(contract)
    image = contract.image
    names = ("name", "height", "width", "colour", "dtype", "mean", "std", "resize")
    return {
        "schema": "detlite.contract",
        "schema_version": 2,
        "image": {name: getattr(image, name) for name in names} | {"quantization": None},
        "outputs": [asdict(output) for output in contract.outputs],
        "anchors": task.to_record()["anchors"],
        "box_coder": asdict(task.box_coder),
        "score_converter": task.score_converter,
        "score_converter_place": task.score_converter_place,
        "labels": contract.labels,
        "label_offset": task.label_offset,
        "nms": {name: value for name, value in asdict(task.nms).items() if name != "clip_in_op"},
        "origin": dict(sorted(contract.origin.items())),
    }


scale = st.floats(0.01, 100)
texts = st.text(st.characters(codec="utf-8"), max_size=6)


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_any_detector_is_written_as_version_2_and_comes_back(data):
    classes, anchors = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 5))
    coder = BoxCoder(*(data.draw(scale) for _ in range(4)), data.draw(st.sampled_from(BOX_CODINGS)))
    nms = Nms(
        kind=data.draw(st.sampled_from(["fast", "regular"])),
        score_threshold=data.draw(st.floats(0, 1)),
        iou_threshold=data.draw(st.floats(0.01, 1)),
        max_detections=data.draw(st.integers(1, 100_000)),
        clip=data.draw(st.booleans()),
    )
    contract = tiny_contract(anchors, classes, nms).with_task(
        box_coder=coder,
        anchors=np.array(data.draw(st.lists(scale, min_size=4 * anchors, max_size=4 * anchors)), "f").reshape(-1, 4),
        score_converter=data.draw(st.sampled_from(["IDENTITY", "SIGMOID", "SOFTMAX"])),
        score_converter_place=data.draw(st.sampled_from(["model", "host"])),
    )
    labels = tuple(data.draw(st.lists(texts, min_size=classes, max_size=classes)))
    contract = replace(contract, labels=labels, origin=data.draw(st.dictionaries(texts, texts, max_size=3)))
    text = contract.to_json()
    assert text == json.dumps(version_2(contract), indent=2, ensure_ascii=False) + "\n"
    assert contract_from_json(text).to_json() == text
