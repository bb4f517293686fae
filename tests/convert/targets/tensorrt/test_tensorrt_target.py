"""TensorRT as a target: the folder that `compile` writes, and what `inspect` predicts, by version."""

import json

import numpy as np
import pytest
from builders.float_detector import detector, write_images
from builders.float_models import snr_db
from builders.json_schemas import check_record
from builders.onnx_models import run_onnx

from detlite.accuracy.images import Images
from detlite.calibration.quantize import quantize
from detlite.calibration.recipe import Recipe
from detlite.cli import main
from detlite.convert.artifact import open_artifact
from detlite.convert.exporter import export_model
from detlite.convert.model import model_of
from detlite.convert.onnx.float16 import as_float16
from detlite.runtime.errors import InputError

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


@pytest.fixture(scope="module")
def artifacts(tmp_path_factory):
    """Folders of a small detector: `float`, and int8 for TensorRT (`explicit`) and for LiteRT (`int8`)."""
    folder = tmp_path_factory.mktemp("models")
    images = Images(write_images(folder, count=2), "made in a test")
    detector().save(folder / "float")
    for name, scheme in (("explicit", "int8-float-bias"), ("int8", "int8")):
        quantize(detector(), images, Recipe(scheme=scheme)).model.save(folder / name)
    return folder


@pytest.fixture
def compiled(artifacts, tmp_path, capsys):
    """Compiles an artifact, with these arguments; returns status, record, stderr."""

    def run(name, *arguments):
        words = ["compile", artifacts / name, "--target", "tensorrt", "-o", tmp_path / "out", "--json", *arguments]
        status, said = main(list(map(str, words))), capsys.readouterr()
        record = json.loads(said.out) if said.out else {}
        if record:
            check_record(record)
        return status, record, said.err

    run.out = tmp_path / "out"
    return run


@pytest.mark.parametrize(
    ("version", "command"),
    [
        ("8.2", "--fp16 --buildOnly"),
        ("8.6", "--fp16 --skipInference"),
        ("10.3.0.30", "--fp16 --skipInference"),
        ("11.0", "--skipInference"),
    ],
)
def test_a_float_model_is_written_for_each_version(compiled, version, command):
    status, record, _err = compiled("float", "--tensorrt", version)
    assert (status, record["refused_count"], record["opset"]) == (0, 0, 13)
    assert record["command"] == f"trtexec --onnx=model.onnx --saveEngine=model.engine {command}"
    assert open_artifact(compiled.out).contract.roles == ("box_encodings", "class_scores")


def test_an_int8_model_is_built_as_int8(compiled):
    status, record, _err = compiled("explicit")
    assert (status, record["int8_count"], record["refused_count"]) == (0, 5, 0)
    assert "--int8 --fp16" in record["command"]


def test_from_version_11_on_fp16_is_in_the_file(compiled):
    status, _record, _err = compiled("float", "--tensorrt", "11.0", "--precision", "fp16")
    stored = onnx.load(compiled.out / "model.onnx").graph.initializer
    dtypes = {onnx.numpy_helper.to_array(one).dtype.name for one in stored}
    assert (status, dtypes) == (0, {"float16", "int64"})


def test_float16_changes_what_is_found_by_little():
    data, image = export_model(detector(), "onnx").data, np.random.default_rng(0).uniform(-1, 1, (1, 16, 16, 3))
    image = image.astype(np.float32)
    wants, founds = (run_onnx(onnx.load_from_string(one), image) for one in (data, as_float16(data)))
    for want, got in zip(wants, founds, strict=True):
        assert got.dtype == np.float32
        assert 0 < np.abs(want - got).max() < 0.02


def test_an_int8_file_for_version_11_has_float16_between_its_roundings(compiled):
    status, _record, err = compiled("explicit", "--tensorrt", "11.0", "--precision", "fp16")
    assert "ONNX Runtime's optimizer changes the numbers of int8 with float16 around it" in err
    model = onnx.load(compiled.out / "model.onnx")
    dtypes = {onnx.numpy_helper.to_array(one).dtype.name for one in model.graph.initializer}
    assert (status, model.opset_import[0].version, dtypes) == (0, 19, {"float16", "int64", "int8"})


def explicit(artifacts, opset):
    """The small detector as int8 with float biases, as an .onnx."""
    return export_model(model_of(open_artifact(artifacts / "explicit")), "onnx", {"target": "tensorrt", "opset": opset})


def test_float16_between_roundings_changes_what_is_found_by_little(artifacts):
    data, image = explicit(artifacts, 19).data, np.random.default_rng(0).uniform(-1, 1, (1, 16, 16, 3))
    wants, founds = (run_onnx(onnx.load_from_string(one), image.astype(np.float32)) for one in (data, as_float16(data)))
    for want, got in zip(wants, founds, strict=True):
        assert snr_db(want, got) > 20


def test_roundings_of_an_older_operator_set_are_not_written_in_float16(artifacts):
    with pytest.raises(InputError, match="needs the opset 19, and this one has 13: give the .tflite"):
        as_float16(explicit(artifacts, 13).data)


@pytest.mark.parametrize(("scales", "kept"), [([0.01, 1e-10], [0.01, 2**-24]), ([1e-7, 1e-7], None)])
def test_a_scale_that_float16_cannot_hold_is_refused_unless_it_adds_nothing(artifacts, scales, kept):
    model = onnx.load_from_string(explicit(artifacts, 19).data)
    node = next(node for node in model.graph.node if node.op_type == "DequantizeLinear" and node.attribute)
    stored = next(one for one in model.graph.initializer if one.name == node.input[1])
    count = stored.dims[0]
    changed = np.resize(np.array(scales, np.float32), count)
    stored.CopyFrom(onnx.numpy_helper.from_array(changed, stored.name))
    if kept is None:
        with pytest.raises(InputError, match="holds the scale 1e-07, too small for float16: leave out --precision"):
            as_float16(model.SerializeToString())
        return
    made = onnx.load_from_string(as_float16(model.SerializeToString())).graph.initializer
    found = next(onnx.numpy_helper.to_array(one) for one in made if one.name == stored.name)
    np.testing.assert_allclose(found, np.resize(kept, count), rtol=1e-3)


def test_nms_is_written_if_asked_for(compiled):
    _status, record, _err = compiled("float", "--nms", "efficient_nms")
    assert "EfficientNMS_TRT" in {one["operator"] for one in record["operators"]}


@pytest.mark.parametrize(("name", "count"), [("float", 1), ("explicit", 0)])
def test_int8_without_scales_in_the_file_is_said(compiled, name, count):
    status, _record, err = compiled(name, "--precision", "int8")
    assert status == 0
    assert err.count("int8: the .onnx has no QuantizeLinear nodes, so trtexec makes scales up") == count


@pytest.mark.parametrize(
    ("name", "arguments", "text"),
    [
        ("int8", (), "TensorRT takes int8 with a zero point of 0"),
        ("float", ("--tensorrt", "7.1"), "TensorRT 7.1 is too old: want 8.0"),
        ("float", ("--tensorrt", "ten"), "'ten' is no version of TensorRT: want one such as 10.3"),
        ("explicit", ("--tensorrt", "11.0", "--precision", "int8"), "for int8, leave out --precision"),
        (
            "float",
            ("--tensorrt", "11.0", "--precision", "fp16", "--nms", "standard"),
            "NonMaxSuppression: leave out --nms",
        ),
        ("nothing.onnx", (), "nothing.onnx: want a folder that detlite wrote, or a .tflite or .onnx file; nothing is"),
        ("float", ("--inventory", "lab.toml"), "--inventory lab.toml lists devices: name one of them with --device"),
    ],
)
def test_what_cannot_be_written_is_refused_in_a_line(compiled, name, arguments, text):
    status, _record, err = compiled(name, *arguments)
    assert (status, compiled.out.exists()) == (2, False)
    assert text in err


def test_a_constant_that_float16_cannot_hold_is_refused():
    model = onnx.load_from_string(export_model(detector(), "onnx").data)
    large = next(one for one in model.graph.initializer if one.data_type == onnx.TensorProto.FLOAT and one.dims)
    large.CopyFrom(onnx.numpy_helper.from_array(np.full(tuple(large.dims), 1e6, np.float32), large.name))
    with pytest.raises(InputError, match=r"holds 1e\+06: float16 ends at 65504"):
        as_float16(model.SerializeToString())


def test_inspect_predicts_by_version(artifacts, tmp_path, capsys):
    path = tmp_path / "foreign.onnx"
    ends = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, 8]) for name in "xy"]
    graph = onnx.helper.make_graph([onnx.helper.make_node("Round", ["x"], ["y"], name="r")], "g", ends[:1], ends[1:])
    path.write_bytes(
        onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 13)]).SerializeToString()
    )
    said = []
    for version in ("8.0", "10.3"):
        assert main(["inspect", str(path), "--target", "tensorrt", "--tensorrt", version]) == 0
        said.append(capsys.readouterr().out.splitlines()[-1])
    assert said[0].startswith(
        "foreign.onnx: prediction: TensorRT 8.0 will refuse 1 of 1 node, first Round r: TensorRT takes it from 8.2 on"
    )
    assert "TensorRT 10.3 will import all 1 node" in said[1]
    assert main(["inspect", str(artifacts / "explicit"), "--target", "tensorrt", "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    check_record(record)
    assert (record["int8_count"], record["jetpack"]) == (5, "6.1")


def test_a_file_that_is_no_onnx_is_refused(tmp_path, capsys):
    (tmp_path / "odd.onnx").write_bytes(b"no onnx at all")
    assert main(["inspect", str(tmp_path / "odd.onnx"), "--target", "tensorrt"]) == 2
    assert "is not an ONNX model" in capsys.readouterr().err


def test_the_targets_option_needs_the_target(artifacts, capsys):
    assert main(["inspect", str(artifacts / "float"), "--tensorrt", "8.5"]) == 2
    assert "--tensorrt needs --target tensorrt" in capsys.readouterr().err


def test_a_prediction_refuses_what_it_would_ignore(tmp_path, capsys):
    assert main(["inspect", str(tmp_path / "model.onnx"), "--target", "tensorrt", "--input", "8x8"]) == 2
    assert (
        "predicts of a finished model: leave out the options for a source, such as --input" in capsys.readouterr().err
    )
