"""The ONNX exporter: files of real networks, their contracts, and the command line."""

import json
import subprocess
import sys

import numpy as np
import pytest
from builders.float_models import run
from builders.golden_models import NAMES, Golden
from builders.onnx_models import counts, run_onnx
from builders.said_steps import announces_every_step
from builders.tiny_tflite import save_tiny, tiny_contract

from detlite.cli import main
from detlite.convert.exporter import export_model
from detlite.convert.exporters.tflite import from_graph
from detlite.convert.load import load_rebuilt, load_source
from detlite.convert.model import Model, model_of
from detlite.convert.options import DetectorOptions
from detlite.convert.rebuild.checkpoint_source import CheckpointSource
from detlite.convert.source import source_of_checkpoint
from detlite.runtime.contract import contract_from_json
from detlite.runtime.errors import InputError, UnknownNameError
from detlite.runtime.image.preprocess import preprocess

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


@pytest.fixture
def artifact(tmp_path):
    return save_tiny(tmp_path / "tiny").model.parent


def exported(artifact, **options):
    return export_model(model_of(save_tiny(artifact / "tiny")), "onnx", options)


def test_the_heads_are_named_by_role_and_the_contract_is_version_2(tmp_path):
    made = exported(tmp_path)
    model = onnx.load_from_string(made.data)
    assert [one.name for one in model.graph.output] == ["box_encodings", "class_scores"]
    assert [output.name for output in made.contract.outputs] == ["box_encodings", "class_scores"]
    assert json.loads(made.contract.to_json())["schema_version"] == 2


def test_the_file_has_its_contract_and_its_labels_as_metadata(tmp_path):
    made = exported(tmp_path)
    found = {one.key: one.value for one in onnx.load_from_string(made.data).metadata_props}
    assert found["detlite.contract"] == made.contract.to_json()
    assert found["detlite.labels"] == "class 0\nclass 1\nclass 2\n"


def test_an_nchw_input_is_in_the_contract_as_version_3(tmp_path):
    made = exported(tmp_path, layout="nchw")
    assert json.loads(made.contract.to_json())["schema_version"] == 3
    assert contract_from_json(made.contract.to_json()).image.layout == "NCHW"
    assert [tensor.shape for tensor in made.contract.image.tensors] == [(1, 1, 6, 8)]


@pytest.mark.parametrize(("opset", "file_version"), [(11, 6), (13, 7), (17, 8)])
def test_an_opset_has_the_oldest_file_version_that_holds_it(tmp_path, opset, file_version):
    model = onnx.load_from_string(exported(tmp_path, opset=opset).data)
    assert (model.opset_import[0].version, model.ir_version) == (opset, file_version)


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"opset": 10}, InputError, "opset 10: want 11 to 21"),
        ({"opset": "13"}, InputError, "the option opset is '13': want a whole number"),
        ({"layout": "chwn"}, UnknownNameError, "no layout is called 'chwn'; did you mean 'nchw'?"),
        ({"target": "coreml"}, UnknownNameError, "there are: onnxruntime, tensorrt"),
        ({"colour": "red"}, UnknownNameError, "no option of an ONNX export is called 'colour'"),
    ],
)
def test_an_option_that_is_unknown_is_refused(tmp_path, options, error, text):
    with pytest.raises(error, match=text):
        exported(tmp_path, **options)


def test_tflite_takes_no_options(tmp_path):
    model = Model(exported(tmp_path).data, "onnx", tiny_contract())
    with pytest.raises(UnknownNameError, match="no option of a TFLite export is called 'opset'"):
        export_model(model, "tflite", {"opset": 13})


@pytest.mark.parametrize("layout", ["nhwc", "nchw"])
def test_the_commands_work_on_the_exported_artifact(capsys, tmp_path, artifact, layout):
    out = tmp_path / "out"
    assert main(["export", str(artifact), "--to", "onnx", "--layout", layout, "--opset", "17", "-o", str(out)]) == 0
    assert announces_every_step(capsys.readouterr().err)
    assert main(["inspect", str(out)]) == 0
    assert main(["measure", str(out), "--samples", "20", "--min-seconds", "0", "--json"]) == 0
    assert "onnxruntime" in capsys.readouterr().out
    (step,) = json.loads((out / "history.json").read_text())["steps"][1:]
    assert (step["step"], step["to"], step["opset"], step["layout"]) == ("export", "onnx", 17, layout)


def test_an_option_of_another_exporter_is_refused(capsys, tmp_path, artifact):
    assert main(["export", str(artifact), "--to", "tflite", "--opset", "13", "-o", str(tmp_path / "out")]) == 2
    assert "--opset needs --to onnx; --to tflite has no such option" in capsys.readouterr().err


def test_convert_writes_onnx(capsys, tmp_path, artifact):
    assert main(["convert", str(artifact), "--to", "onnx", "-o", str(tmp_path / "out")]) == 0
    assert (tmp_path / "out" / "model.onnx").is_file()


def test_without_the_package_the_error_says_how_to_install_it():
    program = (
        "import sys; sys.modules['onnx'] = None\n"
        "from detlite.convert.onnx.package import load_onnx\n"
        "from detlite.runtime.errors import MissingToolError\n"
        "try: load_onnx()\n"
        "except MissingToolError as error: print(error)"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.startswith("reading and writing ONNX needs the package onnx: ")
    assert "[onnx]" in ran.stdout


def differences(model, opset, image):
    """The largest difference of each raw head between the TFLite *model* and its ONNX file, on an *image* of uint8."""
    made = export_model(model, "onnx", {"opset": opset})
    graph = onnx.load_from_string(made.data)
    onnx.checker.check_model(graph, full_check=True)
    assert made.data == export_model(model, "onnx", {"opset": opset}).data
    pixels = preprocess(image, model.contract.image)
    pairs = zip(run(model.data, pixels), run_onnx(graph, pixels), strict=True)
    return graph, [float(np.abs(want - got).max()) for want, got in pairs]


@pytest.mark.slow
@pytest.mark.data
@pytest.mark.parametrize("name", NAMES)
def test_every_reference_model_computes_the_same(tmp_path, name):
    golden = Golden(name)
    trained = CheckpointSource(golden.config, golden.write_checkpoint(tmp_path))
    source = source_of_checkpoint(trained, trained.config)
    model = from_graph(load_rebuilt(source, DetectorOptions()).graph, "float32")
    for opset in (11, 13, 17):
        _graph, found = differences(model, opset, golden.arrays["image_0"])
        assert max(found) < (0.1 if "spaghettinet" in name else 2e-4), opset


@pytest.mark.slow
@pytest.mark.data
def test_the_real_ssdlite_has_184_nodes_and_computes_the_same(shared_data):
    folder = shared_data / "models/ssdlite_mobilenet_v2_coco"
    options = DetectorOptions(labels=folder / "labels_90.txt")
    model = load_source(folder / "frozen_inference_graph_no_nms.pb", options)
    graph, found = differences(model, 13, np.random.default_rng(0).integers(0, 256, (300, 300, 3), np.uint8))
    assert max(found) < 2e-4
    assert (len(graph.graph.node), counts(graph)["Transpose"]) == (184, 11)
