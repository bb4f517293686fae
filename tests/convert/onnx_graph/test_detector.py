"""From an .onnx file to a detector: what it finds is what ONNX Runtime finds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from builders.onnx_ssd import ANCHORS, SIDE, anchors, pytorch_ssd, tensorflow_anchors, tensorflow_ssd

from detlite.convert.exporter import export_model
from detlite.convert.exporters import onnx as onnx_exporter
from detlite.convert.exporters.tflite import from_graph
from detlite.convert.onnx_graph.detector import onnx_detector
from detlite.convert.options import DetectorOptions, StatedFacts
from detlite.convert.tflite.describe import describe
from detlite.runtime.boxes.coding import decode
from detlite.runtime.boxes.nms import Nms
from detlite.runtime.errors import InputError
from detlite.runtime.letterbox import Letterbox

PIXELS = StatedFacts(mean=(127.5,), std=(127.5,))
ASKED = DetectorOptions(stated=PIXELS)


def ran(path, outputs, image):
    """What ONNX Runtime makes of *image* [1, H, W, C]; transposed where the file takes [1, C, H, W]."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    given = session.get_inputs()[0]
    feed = image if given.shape[3] == 3 else image.transpose(0, 3, 1, 2)
    return session.run(outputs, {given.name: feed})


def heads(graph, image):
    """What the TensorFlow graph makes of *image*."""
    import tensorflow as tf

    with tf.Graph().as_default() as made:
        tf.compat.v1.import_graph_def(graph.graph_def, name="")
        with tf.compat.v1.Session(graph=made) as session:
            outputs = [f"{name}:0" for name in graph.heads]
            return [value[0] for value in session.run(outputs, {"detlite_image:0": image})]


@pytest.fixture(scope="module")
def pixels():
    return np.random.default_rng(3).integers(0, 256, (1, SIDE, SIDE, 3), np.uint8)


def test_pytorch_s_ssd_is_cut_at_its_heads_and_its_decoder_is_measured(tmp_path, pixels):
    path = pytorch_ssd(tmp_path / "ssd.onnx")
    graph = onnx_detector(path, ASKED)
    image = (pixels.astype(np.float32) - 127.5) / np.float32(127.5)
    boxes, scores = ran(path, ["boxes", "scores"], image)
    encodings, found = heads(graph, image)
    task = graph.contract.task
    assert np.abs(task.anchors - anchors()).max() < 1e-6
    assert (task.box_coder.y, task.box_coder.x, task.box_coder.height, task.box_coder.width) == (10, 10, 5, 5)
    assert np.abs(decode(encodings, task.anchors, task.box_coder)[:, [1, 0, 3, 2]] - boxes[0]).max() < 1e-5
    assert np.abs(found - scores[0]).max() < 1e-6
    assert (task.score_converter, task.label_offset) == ("SOFTMAX", 1)


def test_tensorflow_s_ssd_has_its_own_preprocessing(tmp_path, pixels):
    path = tensorflow_ssd(tmp_path / "ssd.onnx")
    graph = onnx_detector(path, DetectorOptions())
    boxes, scores = ran(path, ["boxes", "scores"], pixels)
    image = graph.contract.image
    assert (image.mean, image.std, image.colour) == ((127.5,) * 3, (127.5,) * 3, "RGB")
    encodings, found = heads(graph, (pixels.astype(np.float32) - 127.5) / np.float32(127.5))
    task = graph.contract.task
    assert np.abs(task.anchors - tensorflow_anchors()).max() < 1e-6
    assert np.abs(decode(encodings, task.anchors, task.box_coder) - boxes).max() < 1e-5
    assert np.abs(found - scores[0]).max() < 1e-6
    assert (task.score_converter, task.label_offset) == ("SIGMOID", 0)


def test_the_tflite_file_transposes_no_picture(tmp_path):
    graph = onnx_detector(tensorflow_ssd(tmp_path / "ssd.onnx"), DetectorOptions())
    operators = describe(from_graph(graph, "float32").data, "converted").operators
    assert "TRANSPOSE" not in operators
    assert operators["DEPTHWISE_CONV_2D"] == 1


def test_logits_are_before_the_softmax(tmp_path, pixels):
    path = pytorch_ssd(tmp_path / "ssd.onnx")
    graph = onnx_detector(path, DetectorOptions(logits=True, stated=PIXELS))
    image = pixels.astype(np.float32) / 255
    assert np.abs(heads(graph, image)[1] - ran(path, ["scores"], image)[0]).max() > 0.1
    assert graph.contract.task.score_converter_place == "host"


def test_raw_heads_take_their_anchors_from_a_file(tmp_path, pixels):
    path = pytorch_ssd(tmp_path / "ssd.onnx", decoded=False)
    np.save(tmp_path / "anchors.npy", anchors())
    facts = StatedFacts(mean=(0.0,), std=(255.0,), anchors=tmp_path / "anchors.npy", box_order="xywh")
    graph = onnx_detector(path, DetectorOptions(stated=facts))
    image = pixels.astype(np.float32) / 255
    encodings = ran(path, ["encodings"], image)[0][0]
    assert np.abs(heads(graph, image)[0] - encodings[:, [1, 0, 3, 2]]).max() < 1e-5
    assert graph.contract.origin["anchors"] == "anchors.npy"


def test_the_scales_and_the_score_converter_may_be_stated(tmp_path):
    path = pytorch_ssd(tmp_path / "ssd.onnx", decoded=False)
    np.save(tmp_path / "anchors.npy", anchors())
    facts = StatedFacts(
        mean=(0.0,), std=(255.0,), anchors=tmp_path / "anchors.npy", box_order="xywh", box_scales=(4.0, 3.0, 2.0, 1.0)
    )
    coder = onnx_detector(path, DetectorOptions(stated=facts)).contract.task.box_coder
    assert (coder.y, coder.x, coder.height, coder.width) == (4.0, 3.0, 2.0, 1.0)
    stated = DetectorOptions(stated=replace(facts, score_converter="sigmoid"))
    with pytest.raises(InputError, match="come from a softmax in the file itself: leave out --score-converter sigmoid"):
        onnx_detector(path, stated)


def test_heads_may_be_named(tmp_path, pixels):
    path = pytorch_ssd(tmp_path / "ssd.onnx", decoded=True)
    facts = StatedFacts(mean=(127.5,), std=(127.5,), heads=("encodings", "logits"))
    graph = onnx_detector(path, DetectorOptions(stated=facts))
    assert graph.contract.task.score_converter == "SOFTMAX"
    assert len(graph.contract.task.anchors) == ANCHORS


def test_constants_among_the_inputs_and_an_open_batch_and_size_are_taken(tmp_path):
    path = pytorch_ssd(tmp_path / "ssd.onnx", batch="N", size="side", constants_as_inputs=True)
    graph = onnx_detector(path, DetectorOptions(input_size=(SIDE, SIDE), stated=PIXELS))
    assert (graph.contract.image.height, graph.contract.image.width) == (SIDE, SIDE)


@pytest.fixture
def letterboxed(tmp_path):
    """A detector with facts that no graph tells: BGR, padded images, labels and other suppression than the default."""
    graph = onnx_detector(pytorch_ssd(tmp_path / "ssd.onnx"), ASKED)
    image = replace(graph.contract.image, colour="BGR", std=(2.0, 3.0, 4.0), letterbox=Letterbox())
    labels = tuple(f"thing {number}" for number in range(len(graph.contract.labels)))
    contract = replace(graph.contract.with_image(image), labels=labels)
    return replace(graph, contract=contract.with_task(nms=Nms(iou_threshold=0.45)))


@pytest.mark.parametrize("options", [{}, {"layout": "nchw"}, {"nms": "standard"}])
def test_an_exported_file_says_alone_how_it_is_used(options, letterboxed, tmp_path, pixels):
    tflite = from_graph(letterboxed, "float32")
    path = tmp_path / "elsewhere" / "lone.onnx"
    path.parent.mkdir()
    path.write_bytes(export_model(tflite, "onnx", options).data)
    graph, wanted = onnx_detector(path, DetectorOptions()), letterboxed.contract
    found = graph.contract
    assert found.image == wanted.image
    assert (found.labels, found.task.nms, found.task.label_offset) == (wanted.labels, wanted.task.nms, 1)
    assert np.abs(found.task.anchors - wanted.task.anchors).max() < 1e-6
    image = (pixels.astype(np.float32) - 127.5) / np.float32(64)
    for ours, theirs in zip(heads(graph, image), heads(letterboxed, image), strict=True):
        assert np.abs(ours - theirs).max() < 1e-5


def test_logits_of_an_exported_file_keep_the_converter_that_the_host_applies(tmp_path):
    given = onnx_detector(pytorch_ssd(tmp_path / "ssd.onnx"), DetectorOptions(logits=True, stated=PIXELS))
    (tmp_path / "lone.onnx").write_bytes(onnx_exporter.from_graph(given, "float32").data)
    task = onnx_detector(tmp_path / "lone.onnx", DetectorOptions()).contract.task
    assert (task.score_converter, task.score_converter_place) == ("SOFTMAX", "host")


def test_scores_of_an_exported_file_can_be_asked_for_as_logits(tmp_path):
    given = onnx_detector(pytorch_ssd(tmp_path / "ssd.onnx"), ASKED)
    (tmp_path / "lone.onnx").write_bytes(onnx_exporter.from_graph(given, "float32").data)
    task = onnx_detector(tmp_path / "lone.onnx", DetectorOptions(logits=True)).contract.task
    assert (task.score_converter, task.score_converter_place) == ("SOFTMAX", "host")


def test_what_the_user_states_counts_over_the_contract_in_the_file(tmp_path):
    given = onnx_detector(pytorch_ssd(tmp_path / "ssd.onnx"), ASKED)
    np.save(tmp_path / "anchors.npy", anchors())
    (tmp_path / "lone.onnx").write_bytes(onnx_exporter.from_graph(given, "float32").data)
    facts = StatedFacts(mean=(1.0,), std=(2.0,), anchors=tmp_path / "anchors.npy", box_order="yxhw")
    assert onnx_detector(tmp_path / "lone.onnx", DetectorOptions(stated=facts)).contract.image.mean == (1.0, 1.0, 1.0)


def test_an_exported_file_for_a_batch_is_refused(tmp_path):
    tflite = from_graph(onnx_detector(pytorch_ssd(tmp_path / "ssd.onnx"), ASKED), "float32")
    (tmp_path / "lone.onnx").write_bytes(export_model(tflite, "onnx", {"batch": 2}).data)
    with pytest.raises(InputError, match=r"lone.onnx takes 2 images at once; want one: use the float32 artifact"):
        onnx_detector(tmp_path / "lone.onnx", DetectorOptions())


def test_an_exported_file_that_was_changed_is_refused(tmp_path):
    import onnx

    given = onnx_detector(pytorch_ssd(tmp_path / "ssd.onnx"), ASKED)
    model = onnx.load_from_string(onnx_exporter.from_graph(given, "float32").data)
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_param = "N"
    onnx.save(model, tmp_path / "lone.onnx")
    with pytest.raises(InputError, match=r"want its one input as float32 \(1, 16, 16, 3\), as the contract in it says"):
        onnx_detector(tmp_path / "lone.onnx", DetectorOptions())


def test_two_conversions_give_the_same_bytes(tmp_path):
    path = pytorch_ssd(tmp_path / "ssd.onnx")
    first, second = (from_graph(onnx_detector(path, ASKED), "float32").data for _time in range(2))
    assert first == second


REFUSED = [
    ({"size": "side"}, ASKED, r"its input leaves sides open \(1 x 3 x \? x \?\): give --input"),
    ({}, DetectorOptions(), "nothing in it says how pixels become its input image: give --mean and --std"),
    ({"decoded": False}, ASKED, r"ends at its raw heads .* give --anchors FILE.npy .* and --box-order"),
    (
        {},
        DetectorOptions(stated=StatedFacts(heads=("nothing", "scores"), mean=(127.5,), std=(127.5,))),
        "no node makes nothing, which --heads names",
    ),
    ({}, DetectorOptions(input_size=(32, 32), stated=PIXELS), r"its input is \[1, 3, 16, 16\], but --input asks for"),
    (
        {},
        DetectorOptions(stated=StatedFacts(mean=(1.0, 2.0), std=(1.0,))),
        "--mean has 2 numbers; want one, or one for each",
    ),
]


@pytest.mark.parametrize(("written", "asked", "error"), REFUSED)
def test_what_the_file_leaves_open_is_asked_for(written, asked, error, tmp_path):
    with pytest.raises(InputError, match=error) as caught:
        onnx_detector(pytorch_ssd(tmp_path / "ssd.onnx", **written), asked)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("array", "error"),
    [
        (np.zeros((3, 4), np.float32), r"holds float32 \(3, 4\); want floats of the shape \(40, 4\)"),
        (np.zeros((ANCHORS, 4), np.float32), "holds an anchor that is not finite or has no area"),
        (np.array([{}], object), "cannot read the anchors in"),
    ],
)
def test_wrong_anchors_are_one_line_errors(array, error, tmp_path):
    np.save(tmp_path / "a.npy", array, allow_pickle=True)
    facts = StatedFacts(mean=(0.0,), std=(255.0,), anchors=tmp_path / "a.npy", box_order="yxhw")
    with pytest.raises(InputError, match=error):
        onnx_detector(pytorch_ssd(tmp_path / "ssd.onnx", decoded=False), DetectorOptions(stated=facts))


def npy(header):
    """A .npy file of version 1 with that text as its *header*, and no values."""
    text = f"{header}\n".encode()
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


@pytest.mark.parametrize(
    "damaged",
    [
        b"PK\x03\x04, but no zip",
        npy("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999, 4), }"),
        npy("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999, 4), }"),
        npy("{'descr': "),
        b"",
    ],
)
def test_damaged_anchors_are_one_line_errors(damaged, tmp_path):
    path = tmp_path / "a.npy"
    path.write_bytes(damaged)
    facts = StatedFacts(mean=(0.0,), std=(255.0,), anchors=path, box_order="yxhw")
    with pytest.raises(InputError, match="cannot read the anchors in .*, which has to be a .npy file: .") as caught:
        onnx_detector(pytorch_ssd(tmp_path / "ssd.onnx", decoded=False), DetectorOptions(stated=facts))
    assert "\n" not in str(caught.value)


@pytest.mark.data
@pytest.mark.slow
def test_a_real_face_detector_finds_what_its_own_tflite_finds(shared_data, tmp_path):
    from ai_edge_litert.interpreter import Interpreter

    folder = shared_data / "onnx" / "ultraface"
    np.save(tmp_path / "anchors.npy", np.full((4420, 4), 0.1, np.float32))
    facts = StatedFacts(mean=(127.0,), std=(128.0,), anchors=tmp_path / "anchors.npy", box_order="xywh")
    graph = onnx_detector(folder / "version-slim-320_without_postprocessing.onnx", DetectorOptions(stated=facts))
    model = from_graph(graph, "float32")
    image = np.random.default_rng(0).uniform(-1, 1, (1, 240, 320, 3)).astype(np.float32)
    found = {}
    for name, data in (
        ("own", (folder / "version-slim-320_without_postprocessing.tflite").read_bytes()),
        ("made", model.data),
    ):
        interpreter = Interpreter(model_content=data)
        interpreter.allocate_tensors()
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], image)
        interpreter.invoke()
        found[name] = {d["shape"][-1]: interpreter.get_tensor(d["index"])[0] for d in interpreter.get_output_details()}
    assert np.abs(found["made"][4][:, [1, 0, 3, 2]] - found["own"][4]).max() < 1e-3
    assert np.abs(found["made"][2] - found["own"][2]).max() < 1e-3


def test_operators_of_another_domain_are_named(tmp_path):
    onnx = pytest.importorskip("onnx")
    path = pytorch_ssd(tmp_path / "ssd.onnx")
    model = onnx.load(path)
    model.graph.node[0].domain = "com.example"
    model.opset_import.append(onnx.helper.make_opsetid("com.example", 1))
    path.write_bytes(model.SerializeToString())
    with pytest.raises(InputError, match=r"operators of other domains than ONNX's: com\.example\.\w+$"):
        onnx_detector(path, ASKED)
