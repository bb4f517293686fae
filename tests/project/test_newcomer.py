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
from builders.overlaid_source import OverlaidSource
from builders.small_checkpoint import CONFIG, write_checkpoint
from builders.tiny_tflite import tiny_model
from PIL import Image

pytestmark = pytest.mark.slow  # a command line for each plug-in

ADDED = {
    "runtime/backends/newcomer.py": """
        from detlite.runtime.runners.backend import Backend
        from detlite.runtime.runners.script import NullRunner


        def opened(_model, _settings, contract):
            return NullRunner(contract)


        PLUGIN = Backend(title="a newcomer", suffixes=(".tflite",), open=opened)
    """,
    "runtime/measure/scenarios/three_at_once.py": """
        from detlite.runtime.measure.scenario import Judged, Scenario


        def run(load, clock, serve):
            for query in range(load.queries):
                due = clock.now_ns()
                for sample in range(3):
                    serve(query, sample % load.samples, due)


        def judge(series, load):
            triples = float(sum(rows.queries for rows in series))
            return Judged(triples, {"triples": triples}, ())


        PLUGIN = Scenario(title="ThreeAtOnce", percent=50.0, metric="triples", run=run, judge=judge)
    """,
    "runtime/tasks/busiest.py": """
        from dataclasses import dataclass
        from typing import ClassVar, Tuple

        import numpy as np

        from detlite.runtime.task import Found, Result, Task, TaskKind, label_of


        @dataclass(frozen=True)
        class Anchor(Result):
            listed: ClassVar[str] = "anchor"
            fields: ClassVar[Tuple[str, ...]] = ("anchor",)
            anchor: int

            def above(self, threshold):
                return iter([Found(label_of((), 0), 0, 1.0)])

            def to_record(self):
                return {"anchor": self.anchor}

            @classmethod
            def from_record(cls, record, labels=()):
                return cls(record["anchor"])

            @classmethod
            def columns(cls, results):
                return {"anchor": np.array([one.anchor for one in results])}


        @dataclass(frozen=True)
        class Busiest(Task):
            kind: ClassVar[str] = "busiest"

            def check(self, outputs, labels):
                pass

            def result(self, heads, labels, fit):
                return Anchor(int(heads["class_scores"].max(axis=1).argmax()))


        PLUGIN = TaskKind(title="a finder of the busiest anchor", settings=Busiest, result=Anchor, agreement="same")
    """,
    "convert/readers/upside_down.py": """
        from pathlib import Path
        from tempfile import TemporaryDirectory

        from detlite.convert.reader import Reader
        from detlite.convert.readers import frozen_graph


        def read(path):
            with TemporaryDirectory() as folder:
                (Path(folder) / "graph.pb").write_bytes(path.read_bytes()[::-1])
                return frozen_graph.read(Path(folder) / "graph.pb")


        PLUGIN = Reader(
            title="a frozen graph, last byte first",
            recognizes=lambda path: path if path.suffix == ".upside_down" else None,
            files=lambda path: (path,),
            read=read,
        )
    """,
    "convert/graph/repairs/renamed.py": """
        from detlite.convert.graph.repair import Repair

        PLUGIN = Repair(title="nothing, twice", why="a test", apply=lambda graph_def: 2)
    """,
    "convert/rebuild/odapi/families/newcomer.py": """
        from detlite.convert.rebuild.network.extractor import Extractor
        from detlite.convert.rebuild.network.mobiledet import FusedBlock, InvertedBlock, MobileDet, SeparableBlock
        from detlite.convert.rebuild.odapi.config.presets import ssdlite
        from detlite.convert.rebuild.odapi.family import Family

        SMALL = MobileDet(
            scope="FeatureExtractor/Newcomer",
            stem=8,
            stages=(
                (SeparableBlock(8),),
                (FusedBlock(2, 8, stride=2, residual=False),),
                (FusedBlock(2, 8, stride=2, residual=False),),
                (InvertedBlock(2, 8, stride=2, residual=False),),
                (InvertedBlock(2, 8, stride=2, residual=False),),
            ),
        )

        PLUGIN = Family(
            title="Newcomer",
            paper="a test",
            scopes=(SMALL.scope,),
            mean=(127.5, 127.5, 127.5),
            std=(127.5, 127.5, 127.5),
            archives=("newcomer",),
            extractors={"ssd_newcomer": Extractor(SMALL.six_maps)},
            presets={"newcomer_ssd": ssdlite("ssd_newcomer")},
        )
    """,
    "convert/rebuild/architectures/toy.py": """
        from dataclasses import dataclass, replace

        from detlite.convert.rebuild.architecture import Architecture
        from detlite.convert.rebuild.architectures import ssd
        from detlite.convert.rebuild.detector_config import Ssd
        from detlite.convert.rebuild.odapi.config.ssd import read_ssd


        @dataclass(frozen=True)
        class Toy:
            inner: Ssd

            @property
            def classes(self):
                return self.inner.classes

            @property
            def resizer(self):
                return self.inner.resizer


        def contract(plan, options, size, built):
            found = ssd.contract(inner(plan), options, size, built)
            return replace(found, origin={**found.origin, "toy": "a test"})


        def inner(plan):
            return replace(plan, model=plan.model.inner)


        PLUGIN = Architecture(
            title="Toy",
            reads=Toy,
            build=lambda plan, weights, size: ssd.build(inner(plan), weights, size),
            contract=contract,
            messages={"toy": lambda fields: Toy(read_ssd(fields))},
        )
    """,
    "convert/exporters/one_byte.py": """
        from dataclasses import replace

        from detlite.convert.exporter import Exporter


        def write(model, options):
            return replace(model, data=b"1", format="onnx")


        PLUGIN = Exporter(title="one byte", suffix=".onnx", from_graph=write, from_tflite=write)
    """,
    "accuracy/datasets/backwards.py": """
        from detlite.accuracy.dataset import Dataset, Item

        PLUGIN = Dataset(
            title="A folder of .npy images, last first.",
            takes=("FOLDER",),
            items=lambda paths: (Item(p.name, path=p) for p in sorted(paths[0].glob("*.npy"), reverse=True)),
        )
    """,
    "accuracy/metrics/share_found.py": """
        import numpy as np

        from detlite.accuracy.metric import Metric, Scores

        PLUGIN = Metric(
            title="how many things are found",
            source="a test",
            task="detection",
            takes=("coco",),
            numbers=("map",),
            protocol={"evaluator": "newcomer"},
            score=lambda found, truth, classes: Scores({"map": 62.5}, ()),
            weighted=lambda found, truth, classes, weights: np.full(len(weights), 62.5),
        )
    """,
    "calibration/images/lint/names.py": """
        from detlite.calibration.images.check import LintCheck, LintFinding

        PLUGIN = LintCheck(
            title="images by name",
            find=lambda inspected: [LintFinding(f"{len(inspected.paths)} images have names", "rename them")],
        )
    """,
    "calibration/numbers/schemes/as_is.py": """
        from detlite.calibration.numbers.scheme import Scheme

        PLUGIN = Scheme(title="what came in", source="a test", pack=lambda data: data)
    """,
    "calibration/ranges/estimators/plus_minus_eight.py": """
        from detlite.calibration.ranges.estimator import Estimator
        from detlite.calibration.ranges.ranges import Range

        PLUGIN = Estimator(
            title="eight to both sides",
            source="a test",
            estimate=lambda _network, observed, _samples: {index: Range(-8.0, 8.0) for index in observed.lows},
        )
    """,
    "calibration/weights/methods/plain.py": """
        from detlite.calibration.numbers import kernels
        from detlite.calibration.weights.method import Method

        PLUGIN = Method(
            title="nearest", source="a test", parameters=lambda known: kernels.nearest(known.network, known.plan)
        )
    """,
    "convert/targets/edgetpu/fixes/without_abs.py": """
        from detlite.convert.targets.edgetpu.fix import Fix, Place


        def find(graph):
            found = [op for op in graph.operators if op.name == "ABS"]
            return tuple(Place((op.index,), (op.inputs[0].index,), (op.outputs[0].index,)) for op in found)


        PLUGIN = Fix(
            title="ABS away", why="a test", fidelity="changed", find=find, apply=lambda model, places: model
        )
    """,
    "convert/targets/waffle.py": """
        from detlite.convert.target import Target, TargetAnswer


        def compile(request, out, force):
            out.mkdir()
            data = request.models[0].read_bytes()
            (out / "waffle.bin").write_bytes(data[::-1] * request.options["times"])
            request.say("the iron is hot")
            return TargetAnswer("compile", {"compiler": None, "models": []}, (f"{request.chip}: {out}",))


        PLUGIN = Target(
            title="a waffle iron",
            chips=("waffle", "big_waffle"),
            suffixes=(".tflite",),
            compile=compile,
            predict=lambda request: TargetAnswer("edgetpu_prediction", {}, (f"{request.chip} bakes all of it",)),
        )
    """,
    "commands/targets/waffle.py": """
        import click

        from detlite.commands.target import TargetOptions

        PLUGIN = TargetOptions(compile=(click.option("--times", type=int, default=1),))
    """,
    "devices/kinds/toaster.py": """
        from detlite.devices.kind import Kind
        from detlite.devices.survey.linux import IDENTITY, SENSORS, identify_linux, sense_linux

        PLUGIN = Kind(
            title="a toaster",
            rank=1,
            runtimes=("ai-edge-litert",),
            delegates=(),
            formats=(".tflite",),
            questions=IDENTITY,
            sensor_questions=SENSORS,
            recognize=lambda answers: "its name" if answers.text("/proc/device-tree/model") == "Toaster" else None,
            identify=identify_linux,
            sensors=sense_linux,
            hold_clocks="turn the knob",
        )
    """,
    "devices/simulated/models/toaster.py": """
        from detlite.devices.simulated.simulator import Simulator

        PLUGIN = Simulator(
            title="a toaster",
            kind="toaster",
            files={"/proc/device-tree/model": "Toaster", "/proc/loadavg": "0.0 0.0 0.0 1/9 9"},
            programs={},
        )
    """,
    "devices/doctor/checks/crumbs.py": """
        from detlite.devices.doctor.finding import Check, caution

        PLUGIN = Check("crumbs", lambda subject: iter([caution("there are crumbs in it", "shake it")]))
    """,
    "devices/parsers/toast.py": """
        from dataclasses import dataclass

        from detlite.devices.recording import Format


        @dataclass(frozen=True)
        class Toast:
            brown: int
            problems: tuple[str, ...] = ()


        PLUGIN = Format(
            title="a toaster's log",
            recognize=lambda text: text.startswith("toast "),
            parse=lambda text: (Toast(int(text.split()[1])),),
        )
    """,
    "studies/compare/file_kinds/aaa_same_size.py": """
        from detlite.studies.compare.file_comparison import Comparer, ModelComparison

        PLUGIN = Comparer(
            title="whether two files have one size",
            takes=lambda a, b: a.given.suffix == b.given.suffix == ".tflite" and a.artifact is b.artifact is None,
            compare=lambda a, b, options, progress: ModelComparison("two sizes", (), (f"{len(a.data)} bytes",)),
        )
    """,
    "studies/compare/run_kinds/toasting.py": """
        from detlite.studies.compare.run_kind import Figure, RunKind


        PLUGIN = RunKind(
            figures=lambda record: {"slices": Figure(record.number("slices"), "", higher_is_better=True)},
            shown=lambda name: True,
            conditions=lambda record: {"bread": record.at("bread")},
            noise=lambda first, second: {},
            versions=(7,),
        )
    """,
}


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    made = OverlaidSource(tmp_path_factory.mktemp("source"))
    for path, text in ADDED.items():
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
