"""Opening a model by its contract, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest
from builders.tiny_tflite import tiny_contract, tiny_model

from detlite.runtime.artifact import Artifact
from detlite.runtime.errors import ContractError, InputError
from detlite.runtime.runners.interpreter import open_interpreter
from detlite.runtime.session import Session
from detlite.runtime.tensors import Quantization


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "model.tflite"
    path.write_bytes(tiny_model())
    return path


def with_output(role, **changes):
    contract = tiny_contract()
    outputs = tuple(replace(one, **changes) if one.role == role else one for one in contract.outputs)
    return replace(contract, outputs=outputs)


def test_a_session_says_which_interpreter_it_uses(model):
    assert Session(Artifact(model, tiny_contract())).runtime.startswith("ai-edge-litert ")


def test_detecting_is_preprocessing_invoking_and_postprocessing(model):
    session = Session(Artifact(model, tiny_contract()))
    image = np.random.default_rng(0).integers(0, 2, (30, 40, 3), np.uint8)
    session.invoke(session.preprocess(image))
    want = session.postprocess(session.heads())
    found = session.run(image)
    np.testing.assert_array_equal(found.boxes, want.boxes)
    np.testing.assert_array_equal(found.scores, want.scores)
    assert (found.boxes.dtype, found.classes.dtype, found.scores.dtype) == (np.float32, np.int64, np.float32)


def test_heads_stay_as_they_were_when_the_model_runs_again(model):
    session = Session(Artifact(model, tiny_contract()))
    session.invoke(np.ones((1, 6, 8, 1), np.float32))
    heads = session.heads()
    session.invoke(np.zeros((1, 6, 8, 1), np.float32))
    assert (heads["class_scores"] == 1).all()


@pytest.mark.parametrize(
    ("contract", "error"),
    [
        (
            tiny_contract(anchors=7),
            r"the input of the model is float32 \(1, 6, 8, 1\), the contract says float32 \(1, 7",
        ),
        (with_output("class_scores", index=2), "the model has 2 outputs; the contract's class_scores is number 2"),
        (
            with_output("box_encodings", dtype="int8", quantization=Quantization(0.1, 3)),
            r"output box_encodings of the model is float32 \(1, 6, 4\), the contract says int8",
        ),
        (
            with_output("box_encodings", quantization=Quantization(0.1, 3)),
            "output box_encodings of the model has scale 1.0 and zero point 0, the contract says 0.1 and 3",
        ),
    ],
)
def test_a_model_that_is_not_the_contracts_is_refused(model, contract, error):
    with pytest.raises(ContractError, match=error):
        Session(Artifact(model, contract))


def test_a_tensor_of_another_shape_is_refused(model):
    session = Session(Artifact(model, tiny_contract()))
    with pytest.raises(ContractError, match="ai-edge-litert .* does not accept the input: .*Dimension mismatch"):
        session.invoke(np.zeros((1, 2, 3, 1), np.float32))


@pytest.mark.parametrize("content", [b"", b"no model" * 40, b"\0\0\0\0TFL3" + b"\xff" * 200])
def test_what_is_no_model_is_refused(tmp_path, content):
    path = tmp_path / "model.tflite"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"ai-edge-litert .* cannot open .*model.tflite"):
        open_interpreter(path)


def test_a_model_that_is_cut_short_is_refused(model):
    model.write_bytes(model.read_bytes()[:700])
    with pytest.raises(InputError, match=r"cannot open .*model.tflite: The model is not a valid Flatbuffer"):
        open_interpreter(model)


def test_a_folder_is_no_model(tmp_path):
    with pytest.raises(InputError, match=r"is not a file: give a .tflite model"):
        open_interpreter(tmp_path)


def test_no_threads_are_refused(model):
    with pytest.raises(InputError, match="0 threads: want at least 1"):
        open_interpreter(model, threads=0)


def test_a_contract_of_another_role_order_finds_its_outputs_by_index(model):
    contract = tiny_contract()
    turned = replace(contract, outputs=tuple(reversed(contract.outputs)))
    session = Session(Artifact(model, turned))
    session.invoke(np.arange(48, dtype=np.float32).reshape(1, 6, 8, 1))
    assert session.heads()["box_encodings"][0].tolist() == [0, 1, 2, 3]
