"""Compiled files: every field of the schema, what is wrong with one, and whether it belongs to its CPU model."""

import json
import re
import struct
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from builders.edgetpu_models import convolutions
from hypothesis import given, settings
from hypothesis import strategies as st

from detlite.convert.targets.edgetpu.compiled import compiled_record, read_compiled, totals
from detlite.convert.targets.edgetpu.graph import Graph, read_graph
from detlite.convert.targets.edgetpu.twin import compare_twins
from detlite.convert.targets.edgetpu.validity import findings
from detlite.runtime.errors import InputError

FOLDER = Path(__file__).resolve().parents[5] / "shared" / "data"
ANOTHER = "mobile_retina_net_padded-78378b8c"  # its compiled file was made of another quantization of the same network


@cache
def pairs():
    path = FOLDER / "edgetpu" / "pairs.json"
    return {pair["id"]: pair for pair in json.loads(path.read_text())} if path.is_file() else {}


def cpu(pair):
    return read_graph((FOLDER / "edgetpu" / pair["cpu"]["file"]).read_bytes(), pair["id"])


def with_tensors(graph, tensors):
    """*graph* with *tensors*, by index, in the place of its own."""
    operators = [
        replace(
            op,
            inputs=tuple(None if t is None else tensors[t.index] for t in op.inputs),
            outputs=tuple(tensors[t.index] for t in op.outputs),
        )
        for op in graph.operators
    ]
    sides = ([tensors[t.index] for t in side] for side in (graph.tensors, graph.inputs, graph.outputs))
    return Graph(tuple(operators), *(tuple(side) for side in sides))


@cache
def compiled_bytes(name):
    return (FOLDER / "edgetpu" / pairs()[name]["compiled"]["file"]).read_bytes()


@pytest.mark.data
def test_all_26_files_are_read_with_the_bytes_that_they_state(shared_data):
    for name, pair in pairs().items():
        found = totals(read_compiled(compiled_bytes(name), name))
        assert found["cached_bytes"] == pair["onchip_parameter_bytes"], name
        assert found["streamed_bytes"] == pair["streamed_parameter_bytes"], name
        assert found["instruction_bytes"] == pair["instruction_bytes"], name
        assert found["scratch_bytes"] == pair["scratch_bytes"], name
        assert found["estimated_cycles"] == (pair["estimated_cycles"] or None), name
        assert found["min_runtime_version"] == pair["min_runtime_version"], name
        assert found["subgraphs"] == pair["edgetpu_custom_ops"], name


@pytest.mark.data
def test_layers_have_the_names_types_and_scales_that_they_state(shared_data):
    for name, pair in pairs().items():
        executables = [
            item for package in read_compiled(compiled_bytes(name), name).packages for item in package.executables
        ]
        for key, layers in (
            ("inputs", [layer for item in executables for layer in item.input_layers]),
            ("outputs", [layer for item in executables for layer in item.output_layers]),
        ):
            got = [(x.name, x.size_bytes, list(x.yxz), x.zero_point, x.scale, x.data_type, x.kind) for x in layers]
            keys = ("name", "size_bytes", "yxz", "zero_point", "scale", "data_type", "kind")
            assert got == [tuple(layer[k] for k in keys) for layer in pair[key]], name


@pytest.mark.data
def test_all_26_files_are_valid(shared_data):
    for name in pairs():
        assert findings(read_compiled(compiled_bytes(name), name)) == (), name


@pytest.mark.data
def test_the_transferred_bytes_are_those_of_the_layers(shared_data):
    found = totals(read_compiled(compiled_bytes("thermal_face_automl_edge_fast-48fbc665"), "x"))
    assert (found["dma_input_bytes"], found["dma_output_bytes"]) == (110_592, 68_032)


@pytest.mark.data
def test_a_compiled_file_belongs_to_its_own_cpu_model_and_says_which_operators_it_swallowed(shared_data):
    for name, pair in pairs().items():
        found = compare_twins(cpu(pair), read_compiled(compiled_bytes(name), name))
        assert "".join("01"[flag] for flag in found.mapped) == pair["mapped_flags"], name
        assert bool(found.findings) is (name == ANOTHER), (name, found.findings)


@pytest.mark.data
def test_a_twin_of_another_quantization_is_told_by_its_scales(shared_data):
    found = compare_twins(cpu(pairs()[ANOTHER]), read_compiled(compiled_bytes(ANOTHER), "x"))
    assert (
        "the output 'Identity' has the scale (0.01802535355091095,) in the CPU model and (0.0180295"
        in found.findings[1]
    )


@pytest.mark.data
def test_the_same_network_exported_again_is_a_finding_of_its_own(shared_data):
    found = compare_twins(cpu(pairs()[ANOTHER]), read_compiled(compiled_bytes(ANOTHER), "x"))
    assert found.findings[0].startswith("it is the same network, exported again: operators, shapes and dtypes agree")
    renamed = cpu(pairs()["yamnet-504e652b"])
    tensors = {tensor.index: replace(tensor, name=f"new/{tensor.name}") for tensor in renamed.tensors}
    found = compare_twins(with_tensors(renamed, tensors), read_compiled(compiled_bytes("yamnet-504e652b"), "x"))
    assert found.findings[0].startswith("it is the same network, exported again")


@pytest.mark.data
def test_another_network_is_not_called_the_same(shared_data):
    found = compare_twins(cpu(pairs()["dense-1a8e42e9"]), read_compiled(compiled_bytes("dense-adf7e91b"), "x"))
    assert found.findings
    assert not any("exported again" in text for text in found.findings)


@pytest.mark.data
def test_weights_of_more_than_one_and_a_half_times_the_size_are_a_finding_and_those_of_the_26_pairs_are_none(
    shared_data,
):
    for name, pair in pairs().items():
        assert compare_twins(cpu(pair), read_compiled(compiled_bytes(name), name)).size_finding is None, name
    graph = cpu(pairs()["dense-1a8e42e9"])
    tensors = {t.index: replace(t, shape=(1024, 512)) if t.shape == (512, 512) else t for t in graph.tensors}
    found = compare_twins(with_tensors(graph, tensors), read_compiled(compiled_bytes("dense-1a8e42e9"), "x"))
    assert found.findings == ()
    assert found.size_finding == (
        "the compiled file holds 266240 bytes of weights, and those of the CPU model take about 532480"
    )


@pytest.mark.data
def test_a_compiled_file_does_not_belong_to_another_cpu_model(shared_data):
    found = compare_twins(cpu(pairs()["yamnet-504e652b"]), read_compiled(compiled_bytes("dense-1a8e42e9"), "x"))
    assert "the input 'feature_patch_in:0' has the name" in found.findings[0]


@pytest.mark.data
def test_the_old_pair_whose_exporter_left_shapes_empty_belongs_together(shared_data):
    folder = shared_data / "models" / "ssdlite_mobilenet_v2_quant_edgetpu_pair"
    graph = read_graph((folder / "detect.tflite").read_bytes(), "x")
    found = compare_twins(graph, read_compiled((folder / "detect_edgetpu.tflite").read_bytes(), "y"))
    assert found.findings == ()
    assert found.mapped.count(False) == 1


@pytest.mark.data
def test_a_cpu_model_is_no_compiled_file(shared_data):
    with pytest.raises(InputError, match="x is not compiled for the Edge TPU: it has no edgetpu-custom-op"):
        read_compiled(convolutions(), "x")


@pytest.mark.data
@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (b"beagle", b"eagles", "compiled for the chip 'eagles'"),
        (b"DWN1", b"DWN2", "the Edge TPU package has the identifier b'DWN2'"),
        (b"edgetpu-custom-op", b"edgetpu-custom-oq", "it has no edgetpu-custom-op"),
    ],
)
def test_a_changed_name_in_the_package_is_found(shared_data, old, new, said):
    data = compiled_bytes("bright-4fc7ddb8").replace(old, new)
    try:
        text = "; ".join(findings(read_compiled(data, "x")))
    except InputError as error:
        text = str(error)
    assert said in text


@pytest.mark.data
def test_a_changed_scale_of_a_layer_is_found(shared_data):
    data = compiled_bytes("yamnet-504e652b")
    stated = struct.pack("<f", read_compiled(data, "x").packages[0].executables[0].input_layers[0].scale)
    found = []
    for match in re.finditer(re.escape(stated), data):
        damaged = bytearray(data)
        damaged[match.start()] ^= 0x10
        found += findings(read_compiled(bytes(damaged), "x"))
    assert any("input layer 'tfl.quantize' has scale" in text for text in found)


def read_all(data):
    """Read, check and compare; True where nothing is wrong."""
    compiled = read_compiled(data, "x")
    json.dumps(compiled_record(compiled))
    return not compare_twins(GRAPH, compiled).findings


NAME = "bright-4fc7ddb8"
GRAPH = cpu(pairs()[NAME]) if pairs() else None
SIZE = len(compiled_bytes(NAME)) if pairs() else 1


@pytest.mark.data
@settings(max_examples=100, deadline=None)
@given(size=st.integers(0, SIZE - 1))
def test_a_cut_file_is_refused(size, shared_data):
    try:
        read_all(compiled_bytes(NAME)[:size])
    except InputError as error:
        assert "\n" not in str(error)
    else:
        assert SIZE - size < 16, "only padding at the end may be missing"


@pytest.mark.data
@settings(max_examples=300, deadline=None)
@given(at=st.one_of(st.integers(0, SIZE - 1), st.integers(0, min(SIZE - 1, 4000))), mask=st.integers(1, 255))
def test_a_flipped_byte_is_refused_found_or_in_a_blob(at, mask, shared_data):
    data = bytearray(compiled_bytes(NAME))
    data[at] ^= mask
    try:
        read_all(bytes(data))
    except InputError as error:
        assert "\n" not in str(error)
