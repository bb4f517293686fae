"""Finished streams of other programs: told by their signature, run, and what is wrong with their states."""

import json

import numpy as np
import pytest
from builders.command_line import Detlite
from builders.float_models import FloatNet
from builders.json_schemas import check_record
from builders.signed_streams import Stream, signed_stream
from builders.tiny_streams import clip_reader
from builders.video_files import grey, write_video

from detlite.convert.artifact import open_artifact
from detlite.convert.load import load_source
from detlite.convert.model import session_of
from detlite.convert.options import DetectorOptions
from detlite.convert.tflite.contract import contract_of_tflite
from detlite.convert.tflite.edit import TYPES
from detlite.convert.tflite.flatbuffer import load
from detlite.convert.tflite.stream_states import hard_swish_finding
from detlite.runtime.errors import InputError
from detlite.runtime.session import Session


def saved(folder, **asked):
    path = folder / "stream.tflite"
    path.write_bytes(signed_stream(Stream(**asked)))
    return path


def logits(session, *values):
    return [round(float(session.step(grey(value)).logits[0]), 3) for value in values]


def test_the_names_in_a_signature_tell_the_state_and_the_image(tmp_path):
    contract = contract_of_tflite(saved(tmp_path))
    first, state = contract.inputs
    assert (first.frames, first.image.mean, first.image.std) == (1, (0.0,) * 3, (255.0,) * 3)
    assert (state.name, state.shape, state.output, contract.input_order) == ("total", (1, 3), 0, (1, 0))
    assert (contract.outputs[0].index, contract.task.score_converter_place) == (1, "host")


@pytest.mark.parametrize("clip", [True, False])
def test_a_stream_without_a_contract_is_run(tmp_path, clip):
    session = Session(open_artifact(saved(tmp_path, clip=clip)))
    assert logits(session, 51, 102, 204) == [0.2, 0.6, 1.4]
    session.reset()
    assert logits(session, 51) == [0.2]


def test_the_image_becomes_the_first_input_of_a_file_that_is_written(tmp_path):
    model = load_source(saved(tmp_path), DetectorOptions())
    assert model.contract.input_order == ()
    assert logits(session_of(model), 51, 102) == [0.2, 0.6]


@pytest.mark.parametrize("clip", [True, False])
@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("image", "state_image"),
        ("class_scores", "state_class_scores"),
        ("longer_than_logits", "longer_than_logits"),
        ("total", "total"),
    ],
)
def test_whatever_a_state_is_called_it_stays_a_state_in_int8(tmp_path, name, known, clip):
    write_video(tmp_path / "a.mkv", [grey(value) for value in (40, 80, 120)] * 4)
    saved(tmp_path, name=name, output_name=name, clip=clip)
    ran = Detlite(tmp_path)("quantize", "stream.tflite", "-o", "int8", "--video", "a.mkv", "--count", 9)
    assert ran.status == 0, ran.err
    contract = open_artifact(tmp_path / "int8").contract
    assert contract.inputs[1].name == known
    assert contract.output_names == (known, "class_scores")


def test_a_stream_with_floats_outside_and_int8_inside_is_quantized_already(cow_model, tmp_path):
    write_video(tmp_path / "a.mkv", [grey(40)] * 4)
    ran = Detlite(tmp_path)("quantize", cow_model, "-o", "int8", "--video", "a.mkv")
    assert (ran.status, (tmp_path / "int8").exists()) == (2, False)
    assert "the model is quantized already: its CONV_2D reads int8" in ran.err.splitlines()[-1]


@pytest.mark.parametrize("dtype", ["int8", "float32"])
def test_a_hard_swish_in_8_bits_is_a_finding(dtype):
    net = FloatNet((1, 2, 2, 3))
    active = net.add("HARD_SWISH", [net.image], [net.shape(net.image)])[0]
    model = load(net.finish(active), "made in a test")
    subgraph = model.subgraphs[0]
    for tensor in subgraph.tensors:
        tensor.type = TYPES[dtype]
    found = hard_swish_finding(model, subgraph)
    assert found is None if dtype == "float32" else "HARD_SWISH is in 8 bits, 1 times" in found


def test_a_state_that_comes_out_in_another_shape_is_refused(tmp_path):
    message = (
        r"the state total goes into the model as float32 \(1, 3\) and comes out as float32 \(1, 2\): want the same"
    )
    with pytest.raises(InputError, match=message):
        contract_of_tflite(saved(tmp_path, width=2))


def test_an_input_of_a_picture_and_another_that_nothing_feeds_is_no_stream(tmp_path):
    with pytest.raises(InputError, match="nothing says what its 2 outputs are"):
        contract_of_tflite(saved(tmp_path, output_name="sum"))


def test_a_stream_that_leaves_its_size_open_is_refused(tmp_path):
    with pytest.raises(InputError, match="leaves its size open: convert the model with a fixed one"):
        contract_of_tflite(saved(tmp_path, size=-1))


def inspected(folder, **asked):
    saved(folder, **asked)
    record = json.loads(Detlite(folder)("inspect", "stream.tflite", "--json").out)
    check_record(record)
    return record


def test_a_float_state_has_no_findings(tmp_path):
    record = inspected(tmp_path)
    assert record["stream_findings"] == []
    assert record["states"] == [{"name": "total", "kind": "sum", "dtype": "float32"}]
    assert record["is"] == "a classifier of a stream with 1 state, float32"


def test_the_scales_of_a_sum_in_int8_are_shown_with_what_is_wrong(tmp_path):
    record = inspected(tmp_path, scales=(0.1, 0.11))
    (state,) = record["states"]
    assert (state["kind"], state["in"]["scale"], state["out"]["scale"]) == (
        "sum",
        pytest.approx(0.1),
        pytest.approx(0.11),
    )
    assert state["out"]["high"] == pytest.approx(255 * 0.11)
    assert state["frames_to_end"] == pytest.approx(28.05)
    rescaled, coarse, ends = record["stream_findings"]
    assert rescaled.startswith("1 state leaves with another scale than it comes in with (1.1 times): rounded")
    assert coarse.startswith("1 sum over frames is in 8 bits with steps of 0.11: a frame that adds less than half")
    assert ends.startswith("the ranges of these sums end after 28 frames of those that add most: a sum at its end")


def test_a_sum_in_int8_that_is_as_fine_as_a_frame_has_no_findings(tmp_path):
    assert inspected(tmp_path, scales=(1 / 255, 1 / 255))["stream_findings"] == []


def watched(folder, values, **asked):
    saved(folder, **asked)
    write_video(folder / "a.mkv", [grey(value) for value in values])
    record = json.loads(Detlite(folder)("inspect", "stream.tflite", "--video", "a.mkv", "--json").out)
    check_record(record)
    return record


def test_a_sum_that_frames_are_too_small_for_does_not_move_over_a_video(tmp_path):
    record = watched(tmp_path, [8] * 5, scales=(0.11, 0.11))
    assert record["seen_states"]["sums"] == [{"name": "total", "still": 1.0, "full": 0.0}]
    assert record["stream_findings"][-1] == (
        "over the 5 frames of a.mkv, 100 % of the elements of 1 sum do not move at a frame; most in total"
    )


def test_a_sum_that_ends_is_full_after_the_last_frame(tmp_path):
    record = watched(tmp_path, [255] * 30, scales=(0.1, 0.1))
    (found,) = record["seen_states"]["sums"]
    assert found["full"] == 1.0
    assert (
        "after the last frame 100 % of the elements of 1 sum are at the end of their range"
        in (record["stream_findings"])
    )


def test_a_float_sum_moves_over_a_video(tmp_path):
    record = watched(tmp_path, [8] * 5)
    assert record["seen_states"]["sums"] == [{"name": "total", "still": 0.0, "full": None}]
    assert record["stream_findings"] == []


def test_a_model_without_states_is_not_watched(tmp_path):
    clip_reader().save(tmp_path / "clips")
    write_video(tmp_path / "a.mkv", [grey(1)])
    ran = Detlite(tmp_path)("inspect", "clips", "--video", "a.mkv")
    assert ran.status == 2
    assert "--video needs a stream, a .tflite with states" in ran.err


@pytest.fixture
def cow_model(shared_data):
    return shared_data / "tfvision" / "models" / "movinet_a0_stream_cow7_int8.tflite"


def test_a_real_fine_tuned_movinet_is_read_and_run(cow_model, tmp_path):
    write_video(tmp_path / "a.mkv", [np.full((90, 120, 3), value, np.uint8) for value in (50, 90, 130)])
    record = json.loads(Detlite(tmp_path)("detect", cow_model, "a.mkv", "--json").out)
    assert [len(one["ranking"]) for one in record["images"]] == [5, 5, 5]
    assert record["videos"][0]["frames"] == 3


def test_the_states_of_a_real_fine_tuned_movinet_are_told_apart_by_structure(cow_model):
    record = json.loads(Detlite(cow_model.parent)("inspect", cow_model, "--json").out)
    kinds = [state["kind"] for state in record["states"]]
    assert {kind: kinds.count(kind) for kind in kinds} == {"sum": 16, "count": 16, "buffer": 11}
    assert all("rescaling" not in state for state in record["states"] if state["kind"] == "buffer")
    image, rescaled, coarse, ends, split = record["stream_findings"]
    assert split.startswith("HARD_SWISH is in 8 bits, ")
    assert image.startswith("the image's range is -1.45 to 2.10, and pixels become 0.00 to 1.00: they use 73 of 256")
    assert rescaled.startswith("16 states leave with another scale than they come in with (1.02 to 1.05 times)")
    assert coarse.startswith("16 sums over frames are in 8 bits with steps of 0.248 to 0.904")
    assert ends.startswith("the ranges of these sums end after 6.55 to 32.1 frames")
