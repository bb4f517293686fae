"""What the Edge TPU maps: each rule at a small model, the partition, whole-file refusals, and 26 real pairs."""

import json
import subprocess
import sys
import time

import pytest
from builders.edgetpu_models import Model, convolutions

from detlite.convert.targets.edgetpu.graph import read_graph
from detlite.convert.targets.edgetpu.latency import estimate
from detlite.convert.targets.edgetpu.parameters import parameters_of
from detlite.convert.targets.edgetpu.predict import predict
from detlite.convert.targets.edgetpu.record import log_rows, verdict
from detlite.convert.tflite.flatbuffer import dump, load
from detlite.runtime.errors import InputError

DT = "Operation is working on an unsupported data type"
NS = "Operation not supported"
LIM = "Operation is otherwise supported, but not mapped due to some unspecified limitation"
MULTI = "More than one subgraph is not supported"
RANK = "Tensor has unsupported rank (up to 3 innermost dimensions mapped)"
CONST = "Filter, bias, or other param is not constant at compile-time"
INT = "Image-interpolation layer won't run precisely enough on Edge TPU"
FC2 = "For example, a fully-connected or softmax layer with 2D output"
MAPPED = "Mapped to Edge TPU"


def reason(name, inputs, output, *, dtype="int8", version=1, **options):
    """The reason for one operator behind a convolution, which keeps the model quantized."""
    model = Model()
    first = model.tensor((1, 8, 8, 16), name="image")
    kept = model.conv(first, 16)
    indices = [
        model.tensor(*item)
        if isinstance(item, tuple) and len(item) == 2 and isinstance(item[1], str)
        else model.tensor(item[0], item[1], data=item[2])
        for item in inputs
    ]
    out = model.tensor(output, dtype)
    model.op(name, indices, [out], version=version, **options)
    fed = [index for index, item in zip(indices, inputs, strict=True) if len(item) == 2]
    return predict(model.bytes([first, *fed], [kept, out]), "x").fates[1].reason


IMAGE = ((1, 8, 8, 16), "int8")


@pytest.mark.parametrize(
    ("name", "inputs", "output", "options", "want"),
    [
        ("CUSTOM", [IMAGE], (1, 4), {"custom": "TFLite_Detection_PostProcess"}, DT),
        ("LEAKY_RELU", [IMAGE], (1, 8, 8, 16), {}, NS),
        ("HARD_SWISH", [IMAGE], (1, 8, 8, 16), {}, NS),
        ("ARG_MAX", [IMAGE, ((), "int32", 3)], (1, 8, 8), {"dtype": "int64"}, DT),
        ("QUANTIZE", [((1, 8, 8, 16), "float32")], (1, 8, 8, 16), {}, LIM),
        ("QUANTIZE", [((1, 8, 8, 16), "uint8")], (1, 8, 8, 16), {}, MAPPED),
        ("ADD", [((1, 8, 8, 16), "int32"), ((1, 8, 8, 16), "int32")], (1, 8, 8, 16), {"dtype": "int32"}, DT),
        ("ADD", [IMAGE, ((16,), "int8", 3)], (1, 8, 8, 16), {}, MAPPED),
        ("RESHAPE", [IMAGE, ((5,), "int32", (1, 8, 4, 2, 16))], (1, 8, 4, 2, 16), {}, RANK),
        ("RESHAPE", [IMAGE, ((5,), "int32", (1, 8, 1, 8, 16))], (1, 8, 1, 8, 16), {}, MULTI),
        ("RELU", [((4, 8, 8, 16), "int8")], (4, 8, 8, 16), {}, RANK),
        ("FULLY_CONNECTED", [((1, 16), "int8"), ((4, 16), "int8")], (1, 4), {}, CONST),
        ("FULLY_CONNECTED", [((1, 16), "int8"), ((4, 16), "int8", 1)], (1, 4), {"weightsFormat": 1}, LIM),
        ("FULLY_CONNECTED", [((3, 16), "int8"), ((4, 16), "int8", 1)], (3, 4), {}, FC2),
        ("FULLY_CONNECTED", [((1, 16), "int8"), ((4, 16), "int8", 1)], (1, 4), {}, MAPPED),
        ("MAX_POOL_2D", [IMAGE], (1, 4, 4, 16), {"fusedActivationFunction": 1}, LIM),
        ("CONCATENATION", [IMAGE, IMAGE], (1, 8, 8, 32), {"fusedActivationFunction": 1}, LIM),
        ("CONCATENATION", [IMAGE, ((1, 8, 8, 16), "int8", 1)], (1, 8, 8, 32), {}, LIM),
        ("CONCATENATION", [IMAGE, ((1, 8, 8, 16), "int8", 0)], (1, 8, 8, 32), {}, MAPPED),
        ("MEAN", [IMAGE, ((1,), "int32", 0)], (8, 8, 16), {}, LIM),
        ("MEAN", [IMAGE, ((2,), "int32", (1, 2))], (1, 16), {}, MAPPED),
        ("MEAN", [((1, 8, 8, 6), "int8"), ((1,), "int32", -1)], (1, 8, 8), {}, LIM),
        ("PAD", [IMAGE, ((4, 2), "int32")], (1, 8, 8, 16), {}, CONST),
        ("PAD", [((2, 8, 16), "int8"), ((3, 2), "int32", ((1, 0), (0, 0), (0, 0)))], (3, 8, 16), {}, LIM),
        ("PAD", [IMAGE, ((4, 2), "int32", ((0, 0), (0, 0), (0, 0), (1, 0)))], (1, 8, 8, 17), {}, MAPPED),
        ("PACK", [((8, 16), "int8"), ((8, 16), "int8")], (2, 8, 16), {"axis": 0}, LIM),
        ("PRELU", [IMAGE, ((1, 1, 16), "int8")], (1, 8, 8, 16), {}, CONST),
        ("PRELU", [IMAGE, ((8, 8, 16), "int8", 1)], (1, 8, 8, 16), {}, LIM),
        ("PRELU", [IMAGE, ((1, 1, 16), "int8", 1)], (1, 8, 8, 16), {}, MAPPED),
        ("RESIZE_BILINEAR", [IMAGE, ((2,), "int32", 16)], (1, 16, 16, 16), {}, MAPPED),
        ("RESIZE_BILINEAR", [IMAGE, ((2,), "int32", 128)], (1, 128, 128, 16), {}, INT),
        ("RESIZE_BILINEAR", [((1, 1, 1, 16), "int8"), ((2,), "int32", 33)], (1, 33, 33, 16), {}, INT),
        ("RESIZE_BILINEAR", [IMAGE, ((2,), "int32", 113)], (1, 113, 113, 16), {"alignCorners": True}, INT),
        ("RESIZE_BILINEAR", [IMAGE, ((2,), "int32", 113)], (1, 113, 113, 16), {}, MAPPED),
        ("STRIDED_SLICE", [IMAGE, ((4,), "int32", 0), ((4,), "int32", 8), ((4,), "int32", (1, 2, 1, 1))],
         (1, 4, 8, 16), {}, LIM),
        ("SOFTMAX", [((1, 100), "int8")], (1, 100), {}, MAPPED),
        ("SOFTMAX", [((5, 100), "int8")], (5, 100), {}, FC2),
        ("SOFTMAX", [((1, 16_385), "int8")], (1, 16_385), {}, LIM),
        ("SOFTMAX", [((1, 4, 100, 16), "int8")], (1, 4, 100, 16), {}, MAPPED),
        ("SPLIT", [((), "int32", 0), ((1, 8, 8, 16), "int8")], (1, 8, 8, 16), {}, MAPPED),
        ("SQUEEZE", [((1, 8, 16), "int8")], (8, 16), {"squeezeDims": [0]}, LIM),
        ("EXPAND_DIMS", [((8, 16), "int8"), ((), "int32", 0)], (1, 8, 16), {}, LIM),
        ("TRANSPOSE", [IMAGE, ((4,), "int32", (0, 3, 1, 2))], (1, 16, 8, 8), {}, MAPPED),
        ("TRANSPOSE", [((8, 16), "int8"), ((2,), "int32", (1, 0))], (16, 8), {}, LIM),
        ("SLICE", [((8, 16), "int8"), ((2,), "int32", (2, 0)), ((2,), "int32", (3, 16))], (3, 16), {}, LIM),
        ("TILE", [IMAGE, ((4,), "int32", 1)], (1, 8, 8, 16), {}, MAPPED),
    ],
)  # fmt: skip
def test_a_rule_gives_the_compilers_reason(name, inputs, output, options, want):
    assert reason(name, inputs, output, **options) == want


@pytest.mark.parametrize(("kernel", "dilation", "want"), [(3, (1, 2), LIM), (1, (1, 2), MAPPED), (3, (2, 2), MAPPED)])
def test_a_convolution_dilated_unevenly_in_both_axes_stays_on_the_cpu(kernel, dilation, want):
    model = Model()
    image = model.tensor((1, 8, 8, 4), name="image")
    out = model.conv(image, 4, kernel=kernel, dilation=dilation)
    assert predict(model.bytes([image], [out]), "x").fates[0].reason == want


def test_operators_behind_an_unsupported_one_are_in_another_subgraph():
    model = Model()
    image = model.tensor((1, 8, 8, 4), name="image")
    side = model.conv(image, 4)
    hidden = model.unary("HARD_SWISH", side)
    behind = model.conv(hidden, 4)
    beside = model.conv(side, 4)
    data = model.bytes([image], [behind, beside])
    assert [fate.reason for fate in predict(data, "x").fates] == [MAPPED, NS, MULTI, MAPPED]
    several = predict(data, "x", multiple_subgraphs=True)
    assert [fate.subgraph for fate in several.fates] == [0, None, 1, 0]
    assert several.subgraphs == 2


def test_the_first_subset_counts_even_when_a_later_one_is_larger():
    model = Model()
    image = model.tensor((1, 8, 8, 4), name="image")
    last = model.unary("HARD_SWISH", model.conv(image, 4))
    for _ in range(5):
        last = model.conv(last, 4)
    prediction = predict(model.bytes([image], [last]), "x")
    assert [fate.mapped for fate in prediction.fates] == [True] + 6 * [False]


def test_a_model_that_begins_on_the_cpu_still_maps_its_first_supported_subset():
    model = Model()
    image = model.tensor((1, 8, 8, 4), "float32", name="image")
    inner = model.op("QUANTIZE", [image], [model.tensor((1, 8, 8, 4))])
    outer = model.op("DEQUANTIZE", [model.conv(inner, 4)], [model.tensor((1, 8, 8, 4), "float32")])
    prediction = predict(model.bytes([image], [outer]), "x")
    assert [fate.reason for fate in prediction.fates] == [LIM, MAPPED, DT]
    assert prediction.subgraphs == 1


def test_a_version_6_convolution_is_refused_with_the_whole_file():
    model = Model()
    image = model.tensor((1, 8, 8, 4), name="image")
    out = model.conv(model.conv(image, 4), 4, groups=2, version=6)
    prediction = predict(model.bytes([image], [out]), "x")
    assert "Didn't find op for builtin opcode 'CONV_2D' version '6'" in prediction.refusal.text
    assert "operator 1, CONV_2D," in prediction.refusal.cause
    assert "grouped_convolution" in prediction.refusal.cure
    assert not any(fate.mapped for fate in prediction.fates)
    assert prediction.subgraphs == 0


def chain(dtype, *, shape=(1, 8, 8, 4), signature=None, weights="int8", bias="int32"):
    """One convolution whose activations are of *dtype*."""
    model = Model()
    image = model.tensor(shape, dtype, name="image", signature=signature)
    fixed = [model.tensor((4, 1, 1, 4), weights, data=1), model.tensor((4,), bias, data=0)]
    out = model.tensor(shape, dtype)
    model.op("CONV_2D", [image, *fixed], [out], version=3)
    return model.bytes([image], [out])


@pytest.mark.parametrize(
    "data",
    [
        chain("float32", weights="float32", bias="float32"),
        chain("float32", bias="float32"),
        chain("int16", bias="int64"),
    ],
    ids=["float", "dynamic range", "int16 activations"],
)
def test_a_model_that_does_not_compute_in_8_bits_is_refused_as_not_quantized(data):
    prediction = predict(data, "x")
    assert prediction.refusal.text == "Model not quantized"
    assert [fate.reason for fate in prediction.fates] == [DT]


def test_an_open_size_is_refused_and_an_open_batch_is_not():
    assert "only supports static-sized tensors" in predict(chain("int8", signature=(1, -1, -1, 4)), "x").refusal.text
    assert predict(chain("int8", signature=(-1, 8, 8, 4)), "x").refusal is None


def test_a_batch_of_4_maps_nothing():
    prediction = predict(chain("int8", shape=(4, 8, 8, 4)), "x")
    assert [fate.reason for fate in prediction.fates] == [RANK]
    assert verdict(prediction) == "prediction: no operator of 1 will run on the Edge TPU"


def test_an_unknown_custom_operator_is_refused_by_its_name():
    model = Model()
    image = model.tensor((1, 8, 8, 4), name="image")
    out = model.op("CUSTOM", [model.conv(image, 4)], [model.tensor((1, 4))], custom="Atan")
    assert predict(model.bytes([image], [out]), "x").refusal.text == "ERROR: Encountered unresolved custom op: Atan."


def test_a_computed_shape_is_refused_as_dynamic():
    model = Model()
    image = model.tensor((1, 8, 8, 4), name="image")
    shape = model.tensor((2,), "int32", name="shape")
    out = model.op("RESHAPE", [model.conv(image, 4), shape], [model.tensor((1, 256))])
    prediction = predict(model.bytes([image, shape], [out]), "x")
    assert "dynamic-sized tensors" in prediction.refusal.text
    assert "operator 1, RESHAPE," in prediction.refusal.cause


def test_what_edgecompiler_writes_is_named_as_a_placeholder():
    head = (
        bytes.fromhex("04000000 9affffff 14000000 44000000") + bytes(68) + b"edgecompiler-edgetpu"
    )  # of version 0.1.1
    with pytest.raises(InputError, match="x is a placeholder of the PyPI package edgecompiler, without the identifier"):
        predict(head + bytes(400), "x")


@pytest.mark.parametrize("mark", [b"\xde\xad\xbe\xef", b"\xef\xbe\xad\xde"])
def test_a_placeholder_is_named_as_one(mark):
    with pytest.raises(InputError, match="x is a placeholder that begins with 0xDEADBEEF"):
        predict(mark + bytes(60), "x")


def test_weights_are_counted_as_the_chip_pads_them():
    model = Model()
    image = model.tensor((1, 12, 128, 32), name="image")
    out = model.conv(image, 32, kernel=3, weight_scale=[0.5] * 32)
    prediction = predict(model.bytes([image], [out]), "x")
    assert parameters_of(prediction.mapped).parameter_bytes == 9472  # as a real compiled file has it


def test_weights_over_the_memory_that_is_surely_free_may_be_streamed():
    model = Model()
    image = model.tensor((1, 1, 1, 2800), name="image")
    found = parameters_of(predict(model.bytes([image], [model.conv(image, 2_560)]), "x").mapped)
    assert found.parameter_bytes == 2_560 * (2_800 + 4) == 7_178_240
    assert found.streamed_bytes_least == 0
    assert 0 < found.streamed_bytes_most <= 7_178_240 * 1.16 + 1
    assert found.causes == ("over 5800000 of the 8388608 bytes on chip may not be free",)


def fully_connected(outputs, inputs, *, image=None, scale=0.5):
    """The memory of one FULLY_CONNECTED; *scale* may be one for each output."""
    model = Model()
    read = model.tensor(image or (1, inputs), name="image")
    weights = model.tensor((outputs, inputs), data=1, scale=scale)
    out = model.op("FULLY_CONNECTED", [read, weights], [model.tensor((1, outputs))])
    return parameters_of(predict(model.bytes([read], [out]), "x").mapped)


def test_weights_with_one_scale_take_4_bytes_an_output_and_with_one_each_8():
    assert fully_connected(512, 512).parameter_bytes == 512 * (512 + 4)
    assert fully_connected(512, 512, scale=[0.5] * 512).parameter_bytes == 512 * (512 + 8)  # as in a compiled file


def test_weights_of_1_x_16384_are_streamed():
    found = fully_connected(1, 16_384)
    assert found.streamed_bytes_least == 262_208
    assert found.streamed_bytes_most >= 262_208


def test_weights_that_read_a_map_may_be_streamed_and_those_of_one_place_are_not():
    assert fully_connected(128, 640, image=(1, 5, 2, 64)).streamed_bytes_most > 128 * 640
    assert fully_connected(128, 640, image=(1, 1, 1, 640)).streamed_bytes_most == 0


def test_all_weights_of_a_model_with_an_operator_that_was_never_seen_to_stream_nothing_may_be_streamed():
    model = Model()
    image = model.tensor((1, 8, 8, 16), name="image")
    out = model.unary("TANH", model.conv(image, 16))
    found = parameters_of(predict(model.bytes([image], [out]), "x").mapped)
    assert found.streamed_bytes_least == 0
    assert found.streamed_bytes_most > found.parameter_bytes
    assert found.causes == ("no model with TANH was seen to stream nothing",)


def test_a_latency_is_given_for_each_host_and_none_where_nothing_maps():
    data = convolutions()
    found = estimate(predict(data, "x"))
    assert set(found.latency_ms) == {"desktop_usb3", "raspberry_pi_4_usb3", "dev_board"}
    assert found.latency_ms["desktop_usb3"] == pytest.approx(0.341 + 0.723 * found.cycles / 5e5 + 4.854 * 8.228e-3)
    assert found.instruction_bytes + found.input_bytes + found.output_bytes == 8228
    assert found.error_percent == 35
    assert found.input_bytes == found.output_bytes == 8 * 8 * 16
    assert estimate(predict(chain("float32"), "x")) is None


@pytest.mark.data
def test_every_operator_of_the_pairs_is_right_but_three_of_one_that_the_compiler_cut_itself(shared_data):
    wrong, count = {}, 0
    for pair in json.loads((shared_data / "edgetpu" / "pairs.json").read_text()):
        data = (shared_data / "edgetpu" / pair["cpu"]["file"]).read_bytes()
        prediction = predict(data, pair["id"], multiple_subgraphs="-a" in pair["flags"])
        for fate, flag in zip(prediction.fates, pair["mapped_flags"], strict=True):
            count += 1
            if fate.mapped is not (flag == "1"):
                wrong.setdefault(pair["id"], []).append((fate.index, fate.name))
    assert count == 1612
    # its log shows 16 failed compiles: --search_delegate dropped 16 operators from the end, and 13 came back
    # in subgraphs of their own
    assert wrong == {"mobile_retina_net_padded-78378b8c": [(83, "ADD"), (131, "CONCATENATION"), (132, "CONCATENATION")]}


@pytest.mark.data
def test_the_bounds_of_streamed_weights_hold_in_all_26_compiled_files(shared_data):
    for pair in json.loads((shared_data / "edgetpu" / "pairs.json").read_text()):
        graph = read_graph((shared_data / "edgetpu" / pair["cpu"]["file"]).read_bytes(), pair["id"])
        found = parameters_of(
            [op for op, flag in zip(graph.operators, pair["mapped_flags"], strict=True) if flag == "1"]
        )
        real = pair["streamed_parameter_bytes"]
        assert found.streamed_bytes_least <= real <= found.streamed_bytes_most, pair["id"]


@pytest.mark.data
def test_weights_of_over_a_quarter_megabyte_are_within_7_percent_of_15_compiled_files(shared_data):
    errors = []
    for pair in json.loads((shared_data / "edgetpu" / "pairs.json").read_text()):
        graph = read_graph((shared_data / "edgetpu" / pair["cpu"]["file"]).read_bytes(), pair["id"])
        mapped = [op for op, flag in zip(graph.operators, pair["mapped_flags"], strict=True) if flag == "1"]
        real = pair["onchip_parameter_bytes"] + pair["streamed_parameter_bytes"]
        if real > 250_000:
            errors.append(abs(parameters_of(mapped).parameter_bytes / real - 1))
    assert len(errors) == 15
    assert max(errors) < 0.07


@pytest.mark.data
@pytest.mark.parametrize(
    ("model", "log"),
    [
        ("ssdlite_mobilenet_v2_quant_edgetpu_pair/detect.tflite", "detect_edgetpu.log"),
        (
            "ssdlite_mobiledet_edgetpu_qat_dog_vs_cat/ssdlite_mobiledet_dog_vs_cat.tflite",
            "ssdlite_mobiledet_dog_vs_cat_edgetpu.log",
        ),
    ],
)
def test_the_predicted_log_is_the_real_one(shared_data, model, log):
    path = shared_data / "models" / model
    text = (path.parent / log).read_text()
    table = text.split("Status\n", 1)[1].split("\n")
    want = sorted((line[:31].strip(), int(line[31:42]), line[42:].strip()) for line in table if line.strip())
    rows = log_rows(predict(path.read_bytes(), "x"))
    assert sorted(("CUSTOM" if name == "TFLite_Detection_PostProcess" else name, n, s) for name, n, s in rows) == want


@pytest.mark.data
def test_the_six_dimensional_tensors_of_thermal_face_have_the_reasons_of_its_log(shared_data):
    path = shared_data / "edgetpu" / "models" / "thermal_face_automl_edge_fast-48fbc665.tflite"
    rows = {(name, status): count for name, count, status in log_rows(predict(path.read_bytes(), "x"))}
    assert rows["RESHAPE", RANK] == 12
    assert rows["PACK", RANK] == 24
    assert rows["RESHAPE", MULTI] == 32


@pytest.mark.data
def test_a_model_of_150_operators_is_predicted_in_0_3_seconds_without_tensorflow(shared_data):
    path = shared_data / "models" / "ssdlite_mobiledet_edgetpu_qat_dog_vs_cat" / "ssdlite_mobiledet_dog_vs_cat.tflite"
    data = path.read_bytes()
    predict(data, "warm")
    begin = time.process_time()
    predict(data, "x")
    assert time.process_time() - begin < 0.3
    program = "import sys; from detlite.convert.targets.edgetpu.predict import predict; " \
        f"predict(open({str(path)!r}, 'rb').read(), 'x'); print('tensorflow' in sys.modules)"  # fmt: skip
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout.strip() == "False"


@pytest.mark.parametrize("side", ["inputs", "outputs"])
def test_an_operator_without_inputs_or_outputs_is_refused(side):
    model = load(convolutions(), "it")
    setattr(model.subgraphs[0].operators[1], side, [])
    with pytest.raises(InputError, match="the model is damaged: operator 1, CONV_2D, has no inputs or no outputs"):
        predict(dump(model), "it")
