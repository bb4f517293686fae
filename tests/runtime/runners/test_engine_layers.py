"""The layers of an engine: what each computes in, in the words of TensorRT 8 and of 10, and its time."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detlite.runtime.errors import InputError
from detlite.runtime.runners.backend import Timed
from detlite.runtime.runners.engine_layers import EngineLayerInfo, read_layers, read_profile, timed_layers

LONG = "Thirty-two wide channel vectorized row major Int8 format."


def layers(*rows):
    return read_layers(json.dumps({"Layers": list(rows), "Bindings": ["image"]}))


@pytest.mark.parametrize(
    ("row", "precision"),
    [
        ({"Inputs": [{"Name": "a", "Format/Datatype": LONG}]}, "int8"),
        ({"Inputs": [{"Format/Datatype": "Channel major FP16 format where channel % 8 == 0"}]}, "float16"),
        ({"Inputs": [{"Format/Datatype": "Row major linear FP32"}]}, "float32"),
        ({"Inputs": [{"Format/Datatype": "Half"}], "Outputs": [{"Format/Datatype": "Int8"}]}, "float16"),
        ({"Inputs": [], "Outputs": [{"Format/Datatype": "Int8"}]}, "int8"),
        ({"Inputs": [{"Format/Datatype": "Int8"}], "Weights": {"Type": "Float", "Count": 9}}, "float32"),
        ({"Inputs": [{"Format/Datatype": "Int8"}], "Weights": {"Type": "Float", "Count": 0}}, "int8"),
        ({"Inputs": [{"Format/Datatype": "N/A due to dynamic shapes"}]}, ""),
        ({}, ""),
    ],
)
def test_a_layer_computes_in_the_type_of_its_weights_else_of_what_it_reads(row, precision):
    (layer,) = layers({"Name": "conv", "LayerType": "CaskConvolution", **row})
    assert (layer.name, layer.kind, layer.precision) == ("conv", "CaskConvolution", precision)


def test_a_layer_names_its_onnx_nodes():
    (layer,) = layers({"Name": "a + b", "Metadata": "[ONNX Layer: Conv/a]\u001e[ONNX Layer: Clip/b]"})
    assert layer.nodes == ("Conv/a", "Clip/b")


def test_an_engine_may_keep_only_names():
    assert layers("conv", "relu") == (EngineLayerInfo("conv"), EngineLayerInfo("relu"))


def test_the_median_is_the_time_of_a_layer_else_the_mean():
    rows = [{"count": 50}, {"name": "a", "averageMs": 2, "medianMs": 1.5}, {"name": "b", "averageMs": 0}]
    assert read_profile(json.dumps(rows)) == {"a": 1.5, "b": 0.0}


def test_times_and_layers_meet_by_name():
    known = (EngineLayerInfo("a", "CaskConvolution", "int8"), EngineLayerInfo("b"))
    assert timed_layers({"a": 1.5, "b": 0.5, "c": 0.25}, known) == [
        Timed("a", "TensorRT int8", 1.5),
        Timed("b", "TensorRT", 0.5),
        Timed("c", "TensorRT", 0.25),
    ]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "Expecting value: line 1 column 1"),
        ("[]", "want what trtexec --exportLayerInfo writes"),
        ("{}", "want what trtexec --exportLayerInfo writes"),
        ('{"Layers": []}', "want what trtexec --exportLayerInfo writes"),
        ('{"Layers": [7]}', "the layer 7 of trtexec has no Name"),
        ('{"Layers": [{"LayerType": "x"}]}', "the layer {'LayerType': 'x'} of trtexec has no Name"),
    ],
)
def test_what_is_no_layer_information_is_refused(text, error):
    with pytest.raises(InputError, match=error):
        read_layers(text)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "Expecting value: line 1 column 1"),
        ("{}", "want what trtexec --exportProfile writes"),
        ("[]", "want what trtexec --exportProfile writes"),
        ('[{"count": 3}]', "want what trtexec --exportProfile writes"),
        ('[{"name": "a"}]', "the profile of trtexec has the time None for 'a'"),
        ('[{"name": "a", "averageMs": -1}]', "the profile of trtexec has the time -1 for 'a'"),
    ],
)
def test_what_is_no_profile_is_refused(text, error):
    with pytest.raises(InputError, match=error):
        read_profile(text)


@given(st.text(max_size=60))
def test_any_text_is_refused(text):
    for read in (read_layers, read_profile):
        with pytest.raises(InputError):
            read(text)
