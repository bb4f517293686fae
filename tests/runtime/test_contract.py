"""The contract's JSON, pinned byte for byte, and what is refused."""

import contextlib
import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detlite.runtime.boxes.coding import BoxCoder
from detlite.runtime.boxes.nms import Nms
from detlite.runtime.contract import Contract, contract_from_json
from detlite.runtime.errors import ContractError
from detlite.runtime.inputs import ImageInput
from detlite.runtime.tasks.detection import Detection
from detlite.runtime.tensors import Output, Quantization

PINNED = """{
  "schema": "detlite.contract",
  "schema_version": 2,
  "image": {
    "name": "image",
    "height": 2,
    "width": 3,
    "colour": "RGB",
    "dtype": "int8",
    "mean": [
      127.5,
      127.5,
      127.5
    ],
    "std": [
      127.5,
      127.5,
      127.5
    ],
    "resize": "tf1_bilinear",
    "quantization": {
      "scale": 0.0078125,
      "zero_point": -1
    }
  },
  "outputs": [
    {
      "role": "box_encodings",
      "name": "box_encodings",
      "index": 0,
      "shape": [
        1,
        1,
        4
      ],
      "dtype": "float32",
      "quantization": null
    },
    {
      "role": "class_scores",
      "name": "class_scores",
      "index": 1,
      "shape": [
        1,
        1,
        3
      ],
      "dtype": "float32",
      "quantization": null
    }
  ],
  "anchors": {
    "order": "y_centre x_centre height width",
    "dtype": "float32",
    "shape": [
      1,
      4
    ],
    "base64": "AAAAPwAAAD8AAIA+AACAPg=="
  },
  "box_coder": {
    "y": 10.0,
    "x": 10.0,
    "height": 5.0,
    "width": 5.0,
    "coding": "faster_rcnn"
  },
  "score_converter": "SIGMOID",
  "score_converter_place": "model",
  "labels": [
    "cat",
    "жираф"
  ],
  "label_offset": 1,
  "nms": {
    "place": "host",
    "kind": "regular",
    "score_threshold": 0.01,
    "iou_threshold": 0.6,
    "max_detections": 100,
    "max_classes_per_detection": 1,
    "detections_per_class": 100,
    "clip": true,
    "cells": null
  },
  "origin": {
    "a": "first",
    "b": "second"
  }
}
"""


def small_contract() -> Contract:
    return Contract(
        inputs=(
            ImageInput(
                "image", 2, 3, "RGB", "int8", (127.5,) * 3, (127.5,) * 3, "tf1_bilinear", Quantization(0.0078125, -1)
            ),
        ),
        outputs=(
            Output("box_encodings", "box_encodings", 0, (1, 1, 4), "float32"),
            Output("class_scores", "class_scores", 1, (1, 1, 3), "float32"),
        ),
        labels=("cat", "жираф"),
        task=Detection(
            anchors=np.array([[0.5, 0.5, 0.25, 0.25]], np.float32),
            box_coder=BoxCoder(),
            score_converter="SIGMOID",
            score_converter_place="model",
            label_offset=1,
            nms=Nms(),
        ),
        origin={"b": "second", "a": "first"},
    )


def test_the_json_is_pinned_byte_for_byte():
    assert small_contract().to_json() == PINNED


def test_reading_and_writing_gives_the_same_bytes():
    assert contract_from_json(PINNED).to_json() == PINNED


def test_a_later_version_is_refused():
    text = PINNED.replace('"schema_version": 2', '"schema_version": 4')
    with pytest.raises(ContractError, match="version 4; this detlite reads 'detlite.contract' versions 2 and 3"):
        contract_from_json(text)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda c: replace(c, labels=()), "no labels"),
        (lambda c: replace(c, labels=("one",)), r"1 label \(offset 1\) want \(1, 1, 2\)"),
        (lambda c: c.with_task(label_offset=2), "a label offset of 2: it must be 0 or 1"),
        (lambda c: c.with_task(score_converter="RELU"), "the score converter is 'RELU'; it must be one of IDENTITY"),
        (
            lambda c: c.with_task(anchors=np.zeros((1, 5), np.float32)),
            r"want float32 \(N, 4\) anchors, got float32 \(1, 5\)",
        ),
        (lambda c: c.with_task(anchors=np.full((1, 4), np.nan, np.float32)), "not finite"),
        (lambda c: replace(c, outputs=()), "want .'box_encodings', 'class_scores'. or"),
    ],
)
def test_a_contract_that_contradicts_itself_is_refused(change, error):
    with pytest.raises(ContractError, match=error):
        change(small_contract())


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda: Quantization(0.0, 1), "a scale of 0.0"),
        (lambda: Quantization(float("nan"), 1), "a scale of nan"),
        (lambda: Nms(kind="soft"), "the kind of NMS is 'soft'; it must be one of fast, regular"),
        (lambda: Nms(iou_threshold=1.5), "want 0 to 1"),
        (lambda: Nms(max_detections=0), "want 1 to 100000"),
        (lambda: BoxCoder(y=0.0), "all must be finite and over 0"),
        (lambda: ImageInput("i", 0, 3, "RGB", "float32", (0,) * 3, (1,) * 3, "tf1_bilinear"), "0 x 3 pixels"),
        (
            lambda: ImageInput("i", 1, 1, "GRAY", "float32", (0,) * 3, (1,) * 3, "tf1_bilinear"),
            "for 1 channel",
        ),
        (
            lambda: ImageInput("i", 1, 1, "RGB", "uint8", (0,) * 3, (1,) * 3, "tf1_bilinear"),
            "integers alone have it",
        ),
        (lambda: ImageInput("i", 1, 1, "RGB", "float32", (0,) * 3, (0,) * 3, "tf1_bilinear"), "stds over 0"),
    ],
)
def test_a_part_that_makes_no_sense_is_refused(make, error):
    with pytest.raises(ContractError, match=error):
        make()


@pytest.mark.parametrize("text", ["", "null", "[]", "{}", "{", "1" * 5000, "[" * 100_000])
def test_what_is_no_contract_is_refused(text):
    with pytest.raises(ContractError, match="the contract is damaged"):
        contract_from_json(text)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
KEYS = [key for key in json.loads(PINNED) if not key.startswith("schema")]


@settings(max_examples=300)
@given(key=st.sampled_from(KEYS), value=json_values)
def test_any_value_in_any_field_gives_a_contract_or_a_contract_error(key, value):
    record = json.loads(PINNED)
    record[key] = value
    with contextlib.suppress(ContractError):
        assert isinstance(contract_from_json(json.dumps(record)), Contract)


@settings(max_examples=300)
@given(part=st.sampled_from(["image", "anchors", "nms", "box_coder"]), value=json_values, data=st.data())
def test_any_value_in_any_inner_field_gives_a_contract_or_a_contract_error(part, value, data):
    record = json.loads(PINNED)
    record[part][data.draw(st.sampled_from(sorted(record[part])))] = value
    with contextlib.suppress(ContractError):
        assert isinstance(contract_from_json(json.dumps(record)), Contract)


def test_peaks_want_one_anchor_for_each_cell():
    contract = contract_from_json(PINNED)
    with pytest.raises(ContractError, match=r"1 anchor for \(2, 3\) cells"):
        contract.with_task(nms=Nms(kind="peaks", cells=(2, 3)))


@pytest.mark.parametrize("place", ["host", "model"])
def test_peaks_without_cells_are_refused(place):
    with pytest.raises(ContractError, match="NMS peaks with cells None: peaks, and no other, has cells"):
        Nms(place=place, kind="peaks")


def test_suppression_without_peaks_has_no_cells():
    with pytest.raises(ContractError, match="NMS regular with cells"):
        Nms(cells=(1, 1))


def test_cells_come_back_from_json():
    contract = contract_from_json(PINNED).with_task(nms=Nms(kind="peaks", cells=(1, 1)))
    assert contract_from_json(contract.to_json()).task.nms.cells == (1, 1)
