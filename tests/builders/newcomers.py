"""One plug-in of each kind, by the path of the file in which a newcomer would add it."""

NEWCOMERS = {
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
