"""A newcomer adds one file: a plug-in of each kind is added to the source, and used by the command line.

No other line of the source changes: the rest of it is links to the real files.
"""

import json
import subprocess
import sys
import textwrap

import pytest
from builders.detection_cases import write_instances
from builders.edgetpu_models import Model as EdgeModel
from builders.float_detector import detector, write_images
from builders.model_files import write_frozen
from builders.newcomers import NEWCOMERS
from builders.overlaid_source import OverlaidSource
from builders.small_checkpoint import CONFIG, write_checkpoint
from builders.tiny_tflite import tiny_model
from PIL import Image

pytestmark = pytest.mark.slow  # a command line for each plug-in


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    made = OverlaidSource(tmp_path_factory.mktemp("source"))
    for path, text in NEWCOMERS.items():
        made.add(path, textwrap.dedent(text))
    return made


@pytest.fixture
def detlite(source, tmp_path):
    return source.command_line(tmp_path)


@pytest.fixture(scope="module")
def artifact(tmp_path_factory):
    folder = tmp_path_factory.mktemp("float")
    detector().save(folder / "float")
    return folder / "float"


@pytest.fixture
def photos(tmp_path):
    (tmp_path / "photos").mkdir()
    write_images(tmp_path / "photos", 4)
    return tmp_path / "photos"


def done(ran):
    assert ran.status == 0, ran.err
    return ran.out


def test_a_backend(detlite, artifact):
    out = done(detlite("measure", artifact, "--backend", "newcomer", "--samples", 10, "--json"))
    assert json.loads(out)["runtime"] == "nothing"


def test_a_scenario(detlite, artifact):
    rules = ("--scenario", "three-at-once", "--queries", 20, "--processes", 1, "--backend", "null", "--noise")
    record = json.loads(done(detlite("measure", artifact, *rules, "--json")))
    assert record["scenario"] == "three-at-once"
    assert record["figures"]["triples"] >= 20


BUSIEST = """
import sys
from dataclasses import replace
from pathlib import Path
import numpy as np
from detlite.convert.model import Model
from detlite.runtime.artifact import read_artifact
from detlite.runtime.session import Session
from detlite.runtime.tasks.busiest import Busiest
known = read_artifact(Path(sys.argv[1]))
Model(known.model.read_bytes(), "tflite", replace(known.contract, task=Busiest()), known.history).save(Path("busiest"))
print(Session(read_artifact(Path("busiest"))).run(np.zeros((16, 16, 3), np.uint8)).to_record())
"""


def test_a_task(detlite, artifact):
    program = [sys.executable, "-c", BUSIEST, artifact]
    ran = subprocess.run(program, cwd=detlite.folder, env=detlite.environment, capture_output=True, text=True)
    assert ran.stdout.startswith("{'anchor': "), ran.stderr
    assert json.loads((detlite.folder / "busiest/contract.json").read_text())["task"] == {"kind": "busiest"}


def test_a_dataset(detlite, artifact, photos, tmp_path):
    (tmp_path / "last.txt").write_text(f"{photos / '03.npy'}\n{photos / '02.npy'}\n")
    two = ("--count", 2, "--choice", "first")
    done(detlite("quantize", artifact, "-o", "backwards", "--backwards", photos, *two))
    done(detlite("quantize", artifact, "-o", "listed", "--list", tmp_path / "last.txt", *two))
    models = [(tmp_path / name / "model.tflite").read_bytes() for name in ("backwards", "listed")]
    assert models[0] == models[1]


def history(folder):
    return json.loads((folder / "history.json").read_text())["steps"]


@pytest.mark.slow
def test_a_reader_and_a_repair(detlite, tmp_path):
    frozen = write_frozen(tmp_path / "source") / "frozen_inference_graph.pb"
    (tmp_path / "tiny.upside_down").write_bytes(frozen.read_bytes()[::-1])
    done(detlite("convert", "tiny.upside_down", "--labels", tmp_path / "source/labels.txt", "-o", "float"))
    assert "renamed" in json.dumps(history(tmp_path / "float"))


@pytest.mark.slow
def test_a_family(detlite):
    asked = ("--family", "newcomer_ssd", "--classes", 3, "--random-weights", 0)
    done(detlite("convert", *asked, "-o", "float"))
    assert (detlite.folder / "float/model.tflite").is_file()


@pytest.mark.slow
def test_an_architecture(detlite, tmp_path):
    write_checkpoint(tmp_path, "model.ckpt-7")
    (tmp_path / "pipeline.config").write_text(CONFIG.replace("ssd {", "toy {", 1))
    done(detlite("convert", "--config", "pipeline.config", "--checkpoint", "model.ckpt-7", "-o", "float"))
    assert json.loads((tmp_path / "float/contract.json").read_text())["origin"]["toy"] == "a test"


def test_an_exporter(detlite, artifact, tmp_path):
    done(detlite("export", artifact, "--to", "one_byte", "-o", "exported"))
    assert (tmp_path / "exported/model.onnx").read_bytes() == b"1"
    assert history(tmp_path / "exported")[-1]["to"] == "one_byte"


def test_a_metric(detlite, artifact, tmp_path):
    (tmp_path / "images").mkdir()
    for number in (1, 2):
        Image.new("RGB", (640, 480)).save(tmp_path / "images" / f"{number}.jpg")
    names = [{"id": 18, "name": "thing 0"}]
    write_instances(tmp_path / "instances.json", categories=names)
    asked = ("--coco", "images", "instances.json", "--metric", "share-found", "--known-classes")
    assert json.loads(done(detlite("evaluate", artifact, *asked, "--json")))["map"] == 62.5


def test_a_check_of_images(detlite, artifact, photos):
    ran = detlite("quantize", artifact, "-o", "int8", "--images", photos, "--lint")
    assert "4 images have names" in ran.out + ran.err


def test_a_scheme(detlite, artifact):
    done(detlite("quantize", artifact, "-o", "same", "--scheme", "as-is"))
    assert (detlite.folder / "same/model.tflite").read_bytes() == (artifact / "model.tflite").read_bytes()


def test_an_estimator(detlite, artifact, photos):
    done(detlite("quantize", artifact, "-o", "int8", "--images", photos, "--estimator", "plus_minus_eight"))
    (step,) = [one for one in history(detlite.folder / "int8") if one["step"] == "quantize"]
    assert "plus_minus_eight" in json.dumps(step)


def test_a_quantization_method(detlite, artifact, photos):
    for method in ("plain", "nearest"):
        done(detlite("quantize", artifact, "-o", method, "--images", photos, "--method", method))
    models = [(detlite.folder / method / "model.tflite").read_bytes() for method in ("plain", "nearest")]
    assert models[0] == models[1]


def test_a_fix_for_the_edge_tpu(detlite, tmp_path):
    model = EdgeModel()
    image = model.tensor((1, 4, 4, 8), name="image")
    (tmp_path / "model.tflite").write_bytes(model.bytes([image], [model.unary("ABS", image)]))
    assert "ABS away" in done(detlite("inspect", "model.tflite", "--target", "edgetpu"))


def test_a_target(detlite, tmp_path):
    (tmp_path / "model.tflite").write_bytes(tiny_model())
    assert done(detlite("inspect", "model.tflite", "--target", "waffle")) == "waffle bakes all of it\n"
    out = done(detlite("compile", "model.tflite", "--target", "big_waffle", "--times", 2, "-o", "baked"))
    assert out == "the iron is hot\nbig_waffle: baked\n"
    assert (tmp_path / "baked/waffle.bin").read_bytes() == tiny_model()[::-1] * 2


def test_the_options_of_a_target_are_for_it_alone(detlite, tmp_path):
    (tmp_path / "model.tflite").write_bytes(tiny_model())
    ran = detlite("compile", "model.tflite", "--target", "edgetpu", "--times", 2, "-o", "baked")
    assert (ran.status, "--times: only for a waffle iron" in ran.err) == (2, True)


def test_a_kind_of_device_and_its_simulation(detlite):
    command = f"{' '.join(detlite.command('devices', 'list'))} --json"
    out = done(detlite("devices", "simulate", "toaster", "--", "sh", "-c", command))
    kinds = {one["name"]: one["kind"] for one in json.loads(out)["devices"]}
    assert kinds["simulated-toaster"] == "toaster"


def test_a_check_of_the_doctor(detlite):
    assert "there are crumbs in it" in detlite("doctor").out


def test_a_parser(detlite, tmp_path):
    (tmp_path / "log").write_text("toast 7")
    assert json.loads(done(detlite("devices", "read", "log", "--json")))["formats"]["toast"][0]["brown"] == 7


def test_a_comparison_of_files(detlite, tmp_path):
    for name in ("a.tflite", "b.tflite"):
        (tmp_path / name).write_bytes(tiny_model())
    assert f"{len(tiny_model())} bytes" in done(detlite("compare", "a.tflite", "b.tflite"))


def test_a_kind_of_run(detlite, tmp_path):
    for name, slices in (("before", 2), ("after", 3)):
        (tmp_path / name).mkdir()
        record = {"schema": "detlite.toasting", "schema_version": 7, "bread": "rye", "slices": slices}
        (tmp_path / name / "toasting.json").write_text(json.dumps(record))
    compared = json.loads(done(detlite("compare", "before", "after", "--json")))
    assert compared["kind"] == "toasting"
    assert [(one["figure"], one["difference"]) for one in compared["figures"]] == [("slices", 1)]
