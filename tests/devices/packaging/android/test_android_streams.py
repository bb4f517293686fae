"""Streams in a package: states that stay as they are, scores that an app reads, and no MediaPipe."""

import json
from dataclasses import replace

import numpy as np
import pytest
from builders.conv_streams import conv_stream
from builders.quantized_states import KEPT, LEFT, TAKEN, quantized_states
from builders.signed_streams import Stream, signed_stream
from builders.tiny_streams import clip_reader, running_sum
from builders.tiny_tasks import tiny_task

from detlite.convert.artifact import open_artifact
from detlite.convert.model import Model
from detlite.convert.tflite.app_outputs import with_stream_scores
from detlite.convert.tflite.flatbuffer import dump, load
from detlite.convert.tflite.metadata import metadata_of
from detlite.convert.tflite.prune import operators_for
from detlite.devices.packaging.android.app_task import app_task
from detlite.devices.packaging.android.states import app_states
from detlite.runtime.artifact import Artifact
from detlite.runtime.errors import ContractError, InputError
from detlite.runtime.session import Session
from detlite.runtime.stream_inputs import BankInput, StateInput
from detlite.runtime.tensors import Output

ASSETS, SOURCES = "out/src/main/assets/demo", "out/src/main/kotlin/org/detlite/models"


@pytest.fixture
def frames():
    chance = np.random.default_rng(3)
    return [chance.integers(0, 256, (9, 7, 3), np.uint8) for _frame in range(4)]


def scores(model, contract, frames):
    session = Session(Artifact(model, contract))
    return np.array([session.step(frame).scores for frame in frames])


@pytest.mark.parametrize("make", [conv_stream, quantized_states])
def test_a_packaged_stream_says_of_each_frame_what_the_model_says(tmp_path, frames, make):
    model = make()
    given, made = tmp_path / "given.tflite", tmp_path / "made.tflite"
    given.write_bytes(model.data)
    data, contract = with_stream_scores(model.data, model.contract)
    made.write_bytes(data)
    assert scores(made, contract, frames) == pytest.approx(scores(given, model.contract, frames), abs=1e-6)
    assert (contract.task.score_converter_place, contract.input_order) == ("model", ())


@pytest.mark.parametrize("scales", [None, (1 / 32, 1 / 16)])
def test_a_stream_of_another_tool_keeps_its_states(tmp_path, frames, scales):
    path, made = tmp_path / "stream.tflite", tmp_path / "made.tflite"
    path.write_bytes(signed_stream(Stream(scales=scales)))
    contract = open_artifact(path).contract
    data, changed = with_stream_scores(path.read_bytes(), contract)
    made.write_bytes(data)
    assert scores(made, changed, frames) == pytest.approx(scores(path, contract, frames), abs=1e-6)
    assert [one.name for one in changed.inputs[1:]] == ["total"]


def test_scores_that_are_a_state_too_leave_the_state_as_it_is(tmp_path, frames):
    model = quantized_states()
    made = load(model.data, "made in a test")
    subgraph = made.subgraphs[0]
    subgraph.outputs = [subgraph.outputs[0], subgraph.outputs[1], subgraph.outputs[0], *subgraph.outputs[3:]]
    subgraph.operators = operators_for(subgraph, subgraph.outputs)
    scores_of = Output("class_scores", "class_scores", 2, (1, 3), "int8", KEPT)
    task = replace(model.contract.task, score_converter="IDENTITY", score_converter_place="model")
    given, path = replace(model.contract, outputs=(scores_of,), task=task), tmp_path / "made.tflite"
    (tmp_path / "given.tflite").write_bytes(dump(made))
    data, contract = with_stream_scores(dump(made), given)
    path.write_bytes(data)
    want = scores(tmp_path / "given.tflite", given, frames)
    assert scores(path, contract, frames) == pytest.approx(want, abs=KEPT.scale / 2 + 1e-6)  # the last rounding is gone


def test_states_are_described_by_the_bytes_that_they_begin_with():
    kept, scaled, count, total = app_states(*with_stream_scores(quantized_states().data, quantized_states().contract))
    assert (kept.first, kept.item_bytes, kept.count, kept.output) == (3, 1, 3, 0)  # 0.5 / 0.05 - 7
    assert (count.first, count.item_bytes, count.output, total.output) == (3, 4, 3, 4)
    assert (kept.rescaling, count.rescaling, total.rescaling) == (None, None, None)
    assert scaled.first == 3
    assert (scaled.rescaling.low, scaled.rescaling.high) == (0, 255)
    for found, want in ((scaled.rescaling.left, LEFT), (scaled.rescaling.taken, TAKEN)):
        assert (found.scale, found.zero_point) == (pytest.approx(want.scale), want.zero_point)


def test_a_float_state_begins_with_the_bits_of_its_initial_value():
    model = running_sum(-1.5)
    (state,) = app_states(model.data, model.contract)
    assert state.first == -0x40400000  # of float32: 0xBFC00000


def test_a_stream_is_packaged_for_litert_alone(package, tmp_path):
    quantized_states().save(tmp_path / "net")
    assert package("--aar", model="net") == 0
    manifest = json.loads((tmp_path / ASSETS / "manifest.json").read_text())
    assert manifest["task"] == "video classification"
    assert [one["name"] for one in manifest["files"][0]["states"]] == ["kept", "scaled", "count", "total"]
    assert sorted(file.name for file in (tmp_path / SOURCES).iterdir()) == [
        "DemoImage.kt",
        "DemoModel.kt",
        "DemoStreamClassifier.kt",
    ]
    assert metadata_of(load((tmp_path / ASSETS / "model.tflite").read_bytes(), "x")) is None
    texts = [(tmp_path / "out" / name).read_text() for name in ("gradle/app.gradle", "gradle/app.gradle.kts")]
    assert not any("mediapipe" in text for text in texts)


def test_an_integer_input_of_a_stream_is_normalized_in_the_app(package, tmp_path):
    quantized_states().save(tmp_path / "net")
    assert package(model="net") == 0
    text = (tmp_path / "out/README.md").read_text()
    assert "(pixel - (123, 116, 103)) / (58, 57, 59), divided by 0.0199" in text
    assert ", plus 123, rounded; outputs 2 class_scores" in text


def test_the_readme_of_a_stream_names_no_file_that_is_not_there(package, tmp_path):
    conv_stream().save(tmp_path / "net")
    assert package(model="net") == 0
    text = (tmp_path / "out/README.md").read_text()
    named = [part for part in text.split("`") if part.startswith("src/main/") and "." in part.split("/")[-1]]
    assert len(named) == 6
    assert all((tmp_path / "out" / path).is_file() for path in named)
    assert "3 inputs after the image, 2068 bytes" in text
    assert "DemoMediaPipe" not in text


def test_a_stream_for_the_gpu_has_states_of_its_own(package, tmp_path):
    conv_stream().save(tmp_path / "net")
    assert package("--gpu", "net", model="net") == 0
    assert (tmp_path / SOURCES / "DemoModel.kt").read_text().count('State(1, 512, 4, 0), // "buffer"') == 2


def test_a_client_that_has_no_task_for_states_is_refused(package, tmp_path, capsys):
    conv_stream().save(tmp_path / "net")
    (tmp_path / "photos").mkdir()
    assert package("--client", "python3", "--images", "photos", model="net") == 2
    said = capsys.readouterr().err
    assert "neither MediaPipe nor the Task Library runs a model with states: leave out --client" in said
    assert said.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_clip_is_refused(package, tmp_path, capsys):
    clip_reader().save(tmp_path / "net")
    assert package(model="net") == 2
    assert "net takes clips, and Android's clients give one image" in capsys.readouterr().err


def test_a_bank_beside_states_is_refused(package, tmp_path, capsys):
    model = conv_stream()
    contract = replace(model.contract, inputs=(*model.contract.inputs, BankInput("features", 3, 2)))
    Model(model.data, "tflite", contract, model.history).save(tmp_path / "net")
    assert package(model="net") == 2
    said = capsys.readouterr().err
    assert "net takes images and states and banks, and Android's clients give one image, and states" in said


def test_a_detector_with_states_is_refused():
    contract = tiny_task("detection").contract
    state = StateInput("kept", (1, 2), "float32", len(contract.outputs))
    with pytest.raises(InputError, match=r"it is a detector that carries states, for which Android's clients have no"):
        app_task(replace(contract, inputs=(*contract.inputs, state)))


def test_a_contract_of_another_stream_is_refused():
    model, other = conv_stream(), running_sum()
    with pytest.raises(ContractError, match=r"has 4 inputs and 4 outputs, its contract 2 inputs and the "):
        with_stream_scores(model.data, other.contract)


def test_a_state_that_is_called_as_the_image_is_refused():
    model = conv_stream()
    image, first, *others = model.contract.inputs
    contract = replace(model.contract, inputs=(image, replace(first, name="image"), *others))
    with pytest.raises(InputError, match=r"a state is called 'image', as another input or output is"):
        with_stream_scores(model.data, contract)
