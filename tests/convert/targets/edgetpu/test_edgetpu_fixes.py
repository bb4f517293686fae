"""Fixes: each at a small model that needs it, what maps before and after, and its proof."""

import numpy as np
import pytest
from builders.edgetpu_models import Model, convolutions

from detlite.convert.targets.edgetpu.fix import FOLDER, Fix, Place
from detlite.convert.targets.edgetpu.fix import FixInput as Given
from detlite.convert.targets.edgetpu.graph import read_graph
from detlite.convert.targets.edgetpu.predict import predict
from detlite.convert.targets.edgetpu.prove import prove
from detlite.convert.targets.edgetpu.repair import repair
from detlite.convert.tflite.appended import appended_files, with_files
from detlite.convert.tflite.flatbuffer import dump, load
from detlite.runtime.errors import FindingError, InputError
from detlite.runtime.plugins import load_plugins
from detlite.runtime.tasks.detection import has_raw_heads

CHANCE = np.random.default_rng(0)


def grouped():
    model = Model()
    image = model.tensor((1, 8, 8, 8), name="image")
    weights = model.tensor(
        (12, 3, 3, 4), data=CHANCE.integers(-127, 128, (12, 3, 3, 4)), scale=np.linspace(0.01, 0.03, 12)
    )
    bias = model.tensor((12,), "int32", data=CHANCE.integers(-999, 999, 12))
    out = model.tensor((1, 8, 8, 12), scale=0.9, name="out")
    sides = {"strideW": 1, "strideH": 1, "dilationHFactor": 1, "dilationWFactor": 1}
    model.op("CONV_2D", [image, weights, bias], [out], version=6, **sides)
    return model.bytes([image], [out])


def packed(factor=2):
    model = Model()
    image = model.tensor((1, 4, 4, 8), name="image")
    wide = model.op(
        "PACK", factor * [image], [model.tensor((1, 4, 4, factor, 8))], axis=3, valuesCount=factor, version=2
    )
    high = model.tensor((1, 4, factor, 4, factor, 8))
    model.op("PACK", factor * [wide], [high], axis=2, valuesCount=factor, version=2)
    shape = model.tensor((4,), "int32", data=(1, 4 * factor, 4 * factor, 8))
    up = model.op("RESHAPE", [high, shape], [model.tensor((1, 4 * factor, 4 * factor, 8), name="up")])
    return model.bytes([image], [model.conv(up, 8)])


def tiled():
    model = Model()
    image = model.tensor((1, 4, 4, 8), name="image")
    six = model.tensor((6,), "int32", data=(1, 4, 1, 4, 1, 8))
    spread = model.op("RESHAPE", [image, six], [model.tensor((1, 4, 1, 4, 1, 8))])
    factors = model.tensor((6,), "int32", data=(1, 1, 2, 1, 2, 1))
    wide = model.op("TILE", [spread, factors], [model.tensor((1, 4, 2, 4, 2, 8))])
    shape = model.tensor((4,), "int32", data=(1, 8, 8, 8))
    up = model.op("RESHAPE", [wide, shape], [model.tensor((1, 8, 8, 8), name="up")])
    return model.bytes([image], [model.conv(up, 8)])


def detour():
    model = Model()
    image = model.tensor((1, 4, 4, 8), name="image")
    six = model.tensor((6,), "int32", data=(1, 4, 1, 4, 1, 8))
    there = model.op("RESHAPE", [image, six], [model.tensor((1, 4, 1, 4, 1, 8))])
    four = model.tensor((4,), "int32", data=(1, 4, 4, 8))
    back = model.op("RESHAPE", [there, four], [model.tensor((1, 4, 4, 8), scale=0.25)])
    return model.bytes([image], [model.conv(back, 8)])


def island():
    model = Model()
    image = model.tensor((1, 4, 4, 8), name="image")
    both = [model.conv(image, 8), model.conv(image, 8)]
    real = [model.op("DEQUANTIZE", [t], [model.tensor((1, 4, 4, 8), "float32")], version=2) for t in both]
    total = model.op("ADD_N", real, [model.tensor((1, 4, 4, 8), "float32")])
    whole = model.op("QUANTIZE", [total], [model.tensor((1, 4, 4, 8), scale=1.1, zero=3)])
    return model.bytes([image], [model.conv(whole, 8)])


def float_fed():
    model = Model()
    image = model.tensor((1, 4, 4, 8), "float32", name="image")
    inner = model.op("QUANTIZE", [image], [model.tensor((1, 4, 4, 8), scale=0.0078, zero=-1)])
    return model.bytes([image], [model.conv(inner, 8)])


def float_tail():
    model = Model()
    image = model.tensor((1, 4, 4, 8), name="image")
    real = model.op("DEQUANTIZE", [model.conv(image, 8)], [model.tensor((1, 4, 4, 8), "float32")], version=2)
    shape = model.tensor((3,), "int32", data=(1, 16, 8))
    flat = model.op("RESHAPE", [real, shape], [model.tensor((1, 16, 8), "float32", name="flat")])
    slots = model.tensor((2,), "int32", data=(1, 128))
    return model.bytes([image], [model.op("RESHAPE", [flat, slots], [model.tensor((1, 128), "float32", name="boxes")])])


def swish():
    model = Model()
    image = model.tensor((1, 4, 4, 8), name="image", scale=0.1)
    return model.bytes([image], [model.conv(model.unary("HARD_SWISH", image), 8)])


@pytest.mark.parametrize(
    ("data", "name", "before", "after", "steps"),
    [
        (grouped(), "grouped_convolution", (0, 1), (4, 4), 1),
        (packed(), "native_resize", (1, 4), (2, 2), 0),
        (packed(factor=4), "native_resize", (1, 4), (2, 2), 0),
        (detour(), "dimension_detour", (1, 3), (2, 2), 0),
        (tiled(), "native_resize", (1, 4), (2, 2), 0),
        (island(), "add_n", (2, 7), (4, 4), 1),
        (float_fed(), "float_input", (1, 2), (2, 2), 0),
        (float_tail(), "cpu_tail", (1, 4), (3, 4), 0),
    ],
)
def test_a_fix_makes_the_rest_map_and_moves_no_number_further_than_it_says(data, name, before, after, steps):
    first = predict(data, "x")
    assert (len(first.mapped), len(first.fates)) == before
    fixed, (applied,) = repair(Given(data, None), [name])
    second = predict(fixed.data, "y")
    assert (len(second.mapped), len(second.fates)) == after
    assert second.refusal is None
    assert applied.proof.places == applied.count
    assert applied.proof.place_steps <= steps


def test_all_lossless_takes_every_fix_that_does_not_change_the_function():
    assert [fix.name for fix in repair(Given(island(), None), ["all-lossless"])[1]] == ["add_n"]
    assert repair(Given(swish(), None), ["all-lossless"])[1] == ()


def test_relu6_for_hard_swish_is_done_by_name_and_tells_what_it_cost():
    fixed, (applied,) = repair(Given(swish(), None), ["relu6_for_hard_swish"])
    assert len(predict(fixed.data, "x").mapped) == 2
    assert applied.fidelity == "changed"
    assert applied.proof.output_difference > 0


def test_a_fix_that_finds_nothing_names_those_that_would():
    with pytest.raises(InputError, match="--fix add_n finds nothing to change in the model; these would: relu6"):
        repair(Given(swish(), None), ["add_n"])
    with pytest.raises(InputError, match="neither does any other fix"):
        repair(Given(convolutions(), None), ["add_n"])


def test_an_unknown_fix_is_refused_with_the_nearest_name():
    with pytest.raises(InputError, match="no fix is called 'native_resise'; did you mean 'native_resize'"):
        repair(Given(packed(), None), ["native_resise"])


def test_a_fix_that_moves_numbers_further_than_it_says_is_not_believed():
    data = swish()
    plugins = load_plugins(FOLDER)
    swap = plugins["relu6_for_hard_swish"]
    liar = Fix(swap.title, swap.why, "exact", swap.find, swap.apply)
    places = liar.find(read_graph(data, "x"))
    with pytest.raises(FindingError, match="--fix liar is not proven: an output changed by"):
        prove("liar", liar, (Given(data, None), liar.apply(Given(data, None), places)), places)


def test_an_upsampling_that_interleaves_two_tensors_is_left_alone():
    model = Model()
    image, other = model.tensor((1, 4, 4, 8), name="image"), model.tensor((1, 4, 4, 8), name="other")
    wide = model.op("PACK", [image, other], [model.tensor((1, 4, 4, 2, 8))], axis=3, valuesCount=2, version=2)
    high = model.op("PACK", [wide, wide], [model.tensor((1, 4, 2, 4, 2, 8))], axis=2, valuesCount=2, version=2)
    shape = model.tensor((4,), "int32", data=(1, 8, 8, 8))
    up = model.op("RESHAPE", [high, shape], [model.tensor((1, 8, 8, 8))])
    graph = read_graph(model.bytes([image, other], [up]), "x")
    assert load_plugins(FOLDER)["native_resize"].find(graph) == ()


def test_a_sum_that_something_else_reads_too_is_left_alone():
    model = Model()
    image = model.tensor((1, 4, 4, 8), name="image")
    real = [model.op("DEQUANTIZE", [model.conv(image, 8)], [model.tensor((1, 4, 4, 8), "float32")]) for _ in range(2)]
    total = model.op("ADD_N", real, [model.tensor((1, 4, 4, 8), "float32")])
    whole = model.op("QUANTIZE", [total], [model.tensor((1, 4, 4, 8))])
    graph = read_graph(model.bytes([image], [whole, total]), "x")
    assert load_plugins(FOLDER)["add_n"].find(graph) == ()


def test_a_model_whose_tensors_have_no_names_is_fixed_and_proven():
    model = load(island(), "x")
    for tensor in model.subgraphs[0].tensors:
        tensor.name = b""
    _fixed, (applied,) = repair(Given(dump(model), None), ["add_n"])
    assert applied.proof.places == 1


def test_files_appended_to_a_model_stay():
    data = with_files(packed(), {"labels.txt": b"cat\n"})
    assert appended_files(repair(Given(data, None), ["native_resize"])[0].data) == {"labels.txt": b"cat\n"}


def test_the_same_fix_gives_the_same_bytes():
    data = island()
    assert repair(Given(data, None), ["add_n"])[0].data == repair(Given(data, None), ["add_n"])[0].data


@pytest.mark.parametrize("name", sorted(load_plugins(FOLDER)))
def test_every_fix_says_what_it_does_and_finds_nothing_in_a_model_without_need(name):
    fix = load_plugins(FOLDER)[name]
    assert fix.title
    assert fix.why
    assert fix.find(read_graph(convolutions(), "x")) == ()


@pytest.mark.data
def test_the_op_of_a_real_detector_is_stripped_and_all_that_is_left_maps(shared_data):
    from detlite.convert.tflite.contract import contract_of_tflite

    folder = shared_data / "models" / "ssdlite_mobiledet_edgetpu_qat_dog_vs_cat"
    path = folder / "ssdlite_mobiledet_dog_vs_cat.tflite"
    given = Given(path.read_bytes(), contract_of_tflite(path))
    assert predict(given.data, "x").unmapped_count == 1
    fixed, _applied = repair(given, ["strip_postprocess"])
    assert predict(fixed.data, "x").unmapped_count == 0
    assert has_raw_heads(fixed.contract)


@pytest.mark.data
def test_the_pyramid_of_thermal_face_maps_but_for_its_op_after_the_fixes(shared_data):
    path = shared_data / "edgetpu" / "models" / "thermal_face_automl_edge_fast-48fbc665.tflite"
    fixed, (detours, upsamplings) = repair(Given(path.read_bytes(), None), ["all-lossless"])
    left = [fate.name for fate in predict(fixed.data, "x").fates if not fate.mapped]
    assert left == ["TFLite_Detection_PostProcess"]
    assert (detours.name, detours.count) == ("dimension_detour", 12)
    assert (upsamplings.name, upsamplings.count) == ("native_resize", 12)
    assert detours.proof.output_difference == upsamplings.proof.output_difference == 0


def test_a_place_is_of_operators_and_tensors():
    (place,) = load_plugins(FOLDER)["add_n"].find(read_graph(island(), "x"))
    graph = read_graph(island(), "x")
    assert isinstance(place, Place)
    assert [graph.operators[i].name for i in place.operators] == ["DEQUANTIZE", "DEQUANTIZE", "ADD_N", "QUANTIZE"]
