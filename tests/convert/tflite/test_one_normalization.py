"""A normalization channel by channel becomes part of the model, which finds the same."""

from dataclasses import replace

import numpy as np
import pytest
from builders.tiny_tflite import run_model, tiny_contract, tiny_model
from hypothesis import given, settings
from hypothesis import strategies as st

from detlite.convert.tflite.flatbuffer import dump, load
from detlite.convert.tflite.one_normalization import has_one_normalization, with_one_normalization
from detlite.runtime.errors import InputError
from detlite.runtime.tensors import Quantization

MEAN, STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)


def model_and_contract(mean=MEAN, std=STD):
    model = load(tiny_model(), "tiny")
    subgraph = model.subgraphs[0]
    subgraph.tensors[subgraph.inputs[0]].shape = np.array((1, 4, 4, 3), np.int32)
    image = replace(tiny_contract().image, height=4, width=4, colour="RGB", mean=mean, std=std)
    return dump(model), tiny_contract().with_image(image)


@settings(max_examples=20, deadline=None)
@given(
    mean=st.tuples(*[st.floats(0, 255)] * 3),
    std=st.tuples(*[st.floats(0.5, 255)] * 3),
    seed=st.integers(0, 99),
)
def test_the_heads_of_a_photo_stay(mean, std, seed):
    data, contract = model_and_contract(mean, std)
    changed, said = with_one_normalization(data, contract)
    pixels = np.random.default_rng(seed).integers(0, 256, (1, 4, 4, 3)).astype(np.float32)
    before = run_model(data, ((pixels - np.array(mean)) / np.array(std)).astype(np.float32))
    after = run_model(changed, (pixels - np.float32(127.5)) / np.float32(127.5))
    for one, other in zip(before, after, strict=True):
        assert np.allclose(one, other, rtol=1e-4, atol=2e-3)
    assert (said.image.mean, said.image.std) == ((127.5,) * 3, (127.5,) * 3)


def test_one_normalization_is_told_from_three():
    assert not has_one_normalization(model_and_contract()[1])
    assert has_one_normalization(model_and_contract((1.0,) * 3, (2.0,) * 3)[1])
    assert has_one_normalization(with_one_normalization(*model_and_contract())[1])


def test_an_integer_input_has_no_room_for_it():
    data, contract = model_and_contract()
    image = replace(contract.image, dtype="uint8", quantization=Quantization(0.02, 114))
    with pytest.raises(InputError, match=r"input is uint8, normalized channel by channel; want a float32 one"):
        with_one_normalization(data, contract.with_image(image))


def test_the_signature_names_the_new_input():
    model = load(with_one_normalization(*model_and_contract())[0], "x")
    subgraph = model.subgraphs[0]
    (named,) = model.signatureDefs[0].inputs
    assert (named.name, named.tensorIndex) == (b"image", subgraph.inputs[0])
