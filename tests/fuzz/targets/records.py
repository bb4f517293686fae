"""What detlite itself writes and reads again: contracts, artifacts, ranges, records, runs, reports, journals."""

import base64
import hashlib
import json
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from builders.float_detector import detector
from builders.run_records import accuracy, in_turn_of_version_1, latency, scenario_of_version_2
from builders.scripted_runs import scripted
from builders.studies import MadeCell, write_study
from builders.tiny_streams import clip_reader
from builders.tiny_tasks import tiny_task
from builders.tiny_tflite import save_tiny, tiny_model
from fuzz.mutations import Mutation, blind, json_value, text, zipped
from fuzz.target import Target

from detlite.accuracy.recorded import Recorded
from detlite.calibration.ranges.ranges import FACTS, SCHEMA, read_ranges
from detlite.convert.zoo.catalogue import FILE, load_catalogue
from detlite.convert.zoo.lock import DigestLock
from detlite.devices.packaging.android.figures import read_figures
from detlite.devices.remote.journal import Journal
from detlite.runtime.artifact import read_artifact
from detlite.runtime.bank_file import read_bank
from detlite.runtime.contract import read_contract
from detlite.runtime.measure.accuracy_run import _finished
from detlite.runtime.measure.run import measure_model, prepare_run
from detlite.runtime.measure.run_folder import MEASUREMENT, STATE
from detlite.runtime.measure.run_summary import summarize
from detlite.runtime.measure.state import read_sittings, read_state
from detlite.runtime.result_lines import model_line, result_line
from detlite.runtime.runners.onnx_profiler import timed
from detlite.runtime.runners.profile import WARM_UPS
from detlite.runtime.runners.script import read_script
from detlite.runtime.runners.trtexec import read_times
from detlite.runtime.stream_inputs import BankInput
from detlite.runtime.strict_json import load_json
from detlite.studies.compare.comparison import compare_runs
from detlite.studies.compare.record import read_record
from detlite.studies.compare.run_kind import KINDS
from detlite.studies.context.bank import BankRow, write_bank
from detlite.studies.context.child_calls import embedded_images
from detlite.studies.pareto.rows import rows_of
from detlite.studies.report.report import AccuracyRow, Latencies, ModelFile, Report, Step
from detlite.studies.report.runs import report_of
from detlite.studies.report.write import JSON_NAME, to_json
from detlite.studies.run.ledger import open_ledger
from detlite.studies.store.store import open_store
from detlite.studies.sweep.saved_cells import saved_plans

JSON: tuple[Mutation, ...] = (json_value, json_value, json_value, json_value, text, blind)
REPORT = Report(
    title="SSD: float32 to int8",
    verdict="It is good.",
    status="pass",
    models=(ModelFile("float32", "a.tflite", "ab" * 32, 18_000_000, 114, 114, "none"),),
    accuracy=(AccuracyRow("float32", "COCO mAP", 22.5, 150, 20.1, 24.9, "val2017"),),
    latencies=(Latencies("float32", (20.0, 20.0, 21.0), "1 thread"),),
    steps=(Step("convert", "from a graph"),),
    repairs=("10 AddN",),
    notes=("few images",),
    machine=(("cores", "2"),),
)
TIMES = {"startH2dMs": 0, "h2dMs": 0.5, "computeMs": 3, "d2hMs": 0.25, "latencyMs": 3.75}
BENCHMARK = {
    "schema": "detlite.benchmark_model",
    "schema_version": 1,
    "scenario": "single-stream",
    "validity": "VALID",
    "latency_mean_ms": 5.0,
    "first_ms": 9.0,
    "runtime": "benchmark_model 0123456789ab",
    "threads": 4,
    "affinity": None,
    "protocol": {"arguments": ["--num_threads=4"], "processes": 2},
    "device": {"name": "pixel8", "identity": {"model": "Pixel 8"}},
    "processes": [{"inference": {"count": 50, "mean_ms": mean}} for mean in (4.9, 5.1)],
}
DIGESTS = {"schema": "detlite.digests", "schema_version": 1, "files": {"a": "b"}}
NODE = {"cat": "Node", "name": "a_kernel_time", "dur": 5, "args": {"op_name": "Conv", "provider": "CPU"}}
RUNS = WARM_UPS + 2
MODEL = tiny_model()
HEAD = model_line("ai-edge-litert 2.1", hashlib.sha256(MODEL).hexdigest())
SCORE = accuracy(model="out/int8/model.tflite", model_sha256="a" * 64)


def put(name: str, record: Any) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_text(json.dumps(record))


def json_target(name: str, record: Any, read: Callable[[Path], object]) -> Target:
    return Target(name, put("a.json", record), lambda folder: read(folder / "a.json"), {"*.json": JSON})


def contract(kind: str, make: Callable[[], Any]) -> Target:
    return Target(
        f"contract of {kind}",
        lambda folder: (folder / "contract.json").write_text(make().contract.to_json()),
        lambda folder: read_contract(folder / "contract.json").to_json(),
        {"*": JSON},
    )


def ranges(folder: Path) -> None:
    facts = {name: 3 if name == "image_count" else "a" * 64 for name in FACTS}
    (folder / "ranges.json").write_text(json.dumps({**SCHEMA, **facts, "tensors": {"a": [-1.0, 6], "b": [0.0, 0.5]}}))


def run_record(kind: str, record: Any, variant: str = "") -> Target:
    def read(path: Path) -> object:
        found = read_record(path)
        return [change.to_record() for change in compare_runs(found, found).changes]

    return json_target(f"{KINDS.removeprefix('detlite.')}.{kind}{variant}", record, read)


def run(folder: Path) -> None:
    measure_model(scripted(folder), run=folder / "run")
    (folder / "run" / MEASUREMENT).unlink()


def resume(folder: Path) -> object:
    setup, place = scripted(folder), folder / "run"
    prepare_run(place, setup, force=False)
    return summarize(setup, place, [*read_sittings(place / STATE), [read_state()]], None).to_record()


def ledger(folder: Path) -> None:
    (folder / "model.tflite").write_bytes(b"a model")
    place = folder / "run"
    open_ledger(place).stage("convert", {"a": 1}, (), lambda: {"b": 2})


def lines(folder: Path) -> None:
    found = {"boxes": [[0.5, 0.25, 9, 9]], "classes": [1], "scores": [0.5]}
    save_tiny(folder / "tiny")
    rows = [result_line(f"{n}.png", (40, 30), 5, found) for n in range(3)]
    (folder / "detections.jsonl").write_bytes(b"".join([HEAD, *rows]))


def detections(folder: Path) -> object:
    names = [folder / f"{n}.png" for n in range(3)]
    _finished(folder / "detections.jsonl", HEAD, [path.name for path in names])
    return Recorded(folder / "detections.jsonl").detect(read_artifact(folder / "tiny"), names)


def trace(path: Path) -> object:
    return timed(load_json(path), RUNS)


def spectrum() -> Any:
    return [{**NODE, "name": f"{name}_kernel_time"} for _ in range(RUNS) for name in ("a", "b")]


def study(folder: Path) -> None:
    write_study(folder / "study", [MadeCell("a", 22.0, 10.0), MadeCell("b", 21.0, 5.0, failure="it fell")])


def results(folder: Path) -> object:
    """Read the store as `results` and `report` do: the index is made anew, all is listed and verified."""
    store = open_store(folder / "study")
    plans = tuple(saved_plans(folder / "study"))
    return rows_of(store, plans), store.select(), store.failures(), store.incomplete(), store.scan()


def bank(folder: Path) -> None:
    row = BankRow("a.jpg", datetime(2021, 7, 30), 0.5, "deer", (0.0, 0.0, 1.0, 1.0), np.array([7], np.float32))
    write_bank(folder / "bank.npz", [row, row], {"per_image": 1})


def embedded(folder: Path) -> None:
    numbers = base64.b64encode(np.zeros(2, "<f4").tobytes()).decode()
    found = {"score": 0.5, "label": "deer", "box": [0, 0, 1, 1], "embedding": numbers}
    rows = [{"sha256": "ab", "found": [found]}, {"sha256": "cd", "error": "none"}]
    (folder / "a.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))


TARGETS = (
    contract("a detector", detector),
    contract("clips", clip_reader),
    *(contract(kind, partial(tiny_task, kind)) for kind in ("classification", "segmentation", "instances")),
    Target("artifact", save_tiny, read_artifact, {"*.json": JSON}),
    Target("ranges.json", ranges, lambda folder: read_ranges(folder / "ranges.json"), {"*": JSON}),
    run_record("accuracy", accuracy(draws=[29.0, 30.0, 31.0])),
    run_record("benchmark_model", BENCHMARK),
    run_record("measurement", latency()),
    run_record("measurement", scenario_of_version_2(), " 2"),
    run_record("measurement", in_turn_of_version_1(), " 1"),
    Target("run folder", run, resume, {"*.json": JSON, "*.jsonl": JSON, "*.tsv": (text, blind)}),
    json_target("report of a run", latency(), lambda path: to_json(report_of([path]))),
    json_target("report of a score", SCORE, lambda path: to_json(report_of([path]))),
    Target(
        "report.json",
        lambda folder: (folder / JSON_NAME).write_text(to_json(REPORT)),
        lambda folder: to_json(report_of([folder])),
        {"*": JSON},
    ),
    Target("ledger", ledger, lambda f: open_ledger(f / "run").stage("convert", {"a": 1}, (), dict), {"run/*": JSON}),
    Target("lines of detections", lines, detections, {"*.jsonl": JSON}),
    json_target("times of trtexec", [TIMES, TIMES], read_times),
    json_target("script", {"invoke_ms": [2, 3.5], "die_at": 4, "delegate": {"name": "x"}}, read_script),
    json_target("trace of ONNX Runtime", spectrum(), trace),
    json_target("figures of an app: latency", latency(), lambda path: read_figures([path], ["a" * 64])),
    json_target("figures of an app: accuracy", SCORE, lambda path: read_figures([path], ["a" * 64])),
    json_target("catalogue", json.loads(FILE.read_text(encoding="utf-8")), load_catalogue.__wrapped__),
    json_target("digests", DIGESTS, lambda path: DigestLock(path).known("a")),
    Target("result store", study, results, {"*.json": JSON, "*.jsonl": JSON, "*": (blind,)}),
    Target(
        "bank of features",
        bank,
        lambda folder: read_bank(folder / "bank.npz", BankInput("memory", 3, 10)),
        {"*": (zipped(json_value), zipped(blind), blind)},
    ),
    Target("embedded images", embedded, lambda folder: embedded_images(Journal(folder / "a.jsonl")), {"*": JSON}),
    Target("journal", lines, lambda folder: Journal(folder / "detections.jsonl").read(), {"*": JSON}),
)
