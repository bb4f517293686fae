"""A report on finished runs, from their records alone."""

import json

import numpy as np
import pytest
from builders.command_line import Detlite
from builders.run_records import accuracy, latency
from PIL import Image

from detlite.runtime.errors import InputError
from detlite.studies.report.markdown import to_markdown
from detlite.studies.report.report import AccuracyRow, Latencies, ModelFile, Picture, PictureSide, Report, Shown, Step
from detlite.studies.report.runs import report_of
from detlite.studies.report.write import to_json, write_report

RUN = Report(
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


def written(path, record):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record))
    return path


def measured(folder, **changes):
    """A folder of a measured run, with the times of the interpreter."""
    samples = [{"latency": [5_000_000, 6_000_000], "invoke": [4_000_000, 5_000_000]}]
    return written(folder / "measurement.json", latency(**{"samples_ns": samples, **changes})).parent


def test_a_measured_run_gives_its_model_times_and_machine(tmp_path):
    found = report_of([measured(tmp_path / "run", model="out/int8/model.tflite")])
    assert [(model.name, model.size_bytes, model.operators) for model in found.models] == [("int8", 1000, None)]
    assert [(item.name, item.samples_ms) for item in found.latencies] == [("int8", (4.0, 5.0))]
    assert ("processor", "a board") in found.machine
    assert found.status == "info"


def test_an_invalid_run_fails_with_its_reasons(tmp_path):
    reasons = {"validity": "INVALID because drift", "reasons": ["drift"]}
    run = measured(tmp_path / "run", model="out/int8/model.tflite", **reasons)
    found = report_of([run])
    assert found.status == "fail"
    assert found.cautions == ("int8: drift",)


def test_a_score_gives_its_headline_with_its_interval(tmp_path):
    record = accuracy(
        model="out/int8/model.tflite", map_interval={"low": 20.0, "high": 24.0, "level": 0.95, "draws": 9}
    )
    (row,) = report_of([written(tmp_path / "a.json", record)]).accuracy
    assert (row.name, row.metric, row.value, row.low, row.high) == ("int8", "coco", record["map"], 20.0, 24.0)


def test_a_missed_gate_fails(tmp_path):
    gate = {"gate": "min_map", "number": "map", "wanted": 50, "came": 20, "passed": False}
    found = report_of([written(tmp_path / "a.json", accuracy(model="m.tflite", gates=[gate]))])
    assert (found.status, "gates missed" in found.verdict) == ("fail", True)


def test_a_gate_is_told_with_the_interval_of_its_number(tmp_path):
    gate = {"gate": "min_map", "number": "map", "wanted": 20, "came": 22, "passed": True}
    interval = {"low": 20.0, "high": 24.0, "level": 0.95, "draws": 9, "seed": 1}
    record = accuracy(model="m.tflite", gates=[gate], map_interval=interval)
    (row,) = report_of([written(tmp_path / "a.json", record)]).gates
    assert (row.name, row.asked, row.reached, row.passed) == ("m: map", "at least 20", "22.00 [20.00, 24.00]", True)


def test_the_cautions_of_a_measurement_are_on_the_page(tmp_path):
    run = measured(tmp_path / "run", model="out/int8/model.tflite", cautions=["the machine is busy: load 12"])
    assert report_of([run]).cautions == ("int8: the machine is busy: load 12",)


def test_a_score_on_few_images_has_a_caution(tmp_path):
    few = report_of([written(tmp_path / "a.json", accuracy(model="m.tflite", images=28))])
    many = report_of([written(tmp_path / "b.json", accuracy(model="m.tflite", images=150))])
    assert few.cautions == ("m: judged on 28 images: want at least 100, because scores on fewer depend on chance",)
    assert many.cautions == ()


def test_a_score_on_videos_is_one_on_videos(tmp_path):
    record = accuracy(model="m.tflite", images=3, protocol={"views": {"clips": 1}})
    report = report_of([written(tmp_path / "a.json", record)])
    assert report.verdict.endswith(" on 3 videos.")
    assert report.cautions[0].startswith("m: judged on 3 videos")
    assert "| 3 videos |" in to_markdown(report)


def test_the_speed_of_two_separate_runs_is_not_judged(tmp_path):
    runs = [measured(tmp_path / name, model=f"{name}/model.tflite", model_sha256=name * 64) for name in "ab"]
    assert report_of(runs).speed is None


def test_a_run_that_passed_is_not_green_beside_a_caution_of_another(tmp_path):
    write_report(RUN, tmp_path / "run")
    busy = measured(tmp_path / "busy", cautions=["the machine is busy: load 12"])
    assert report_of([tmp_path / "run", busy]).status == "caution"


def test_a_report_of_an_earlier_version_has_no_gates_and_no_speed(tmp_path):
    write_report(RUN, tmp_path / "run")
    path = tmp_path / "run/report.json"
    record = json.loads(path.read_text())
    path.write_text(json.dumps({k: v for k, v in record.items() if k not in ("gates", "cautions", "speed")}))
    found = report_of([tmp_path / "run"])
    assert (found.gates, found.cautions, found.speed) == ((), (), None)


def test_runs_of_one_model_share_its_row(tmp_path):
    run = measured(tmp_path / "run")
    score = written(tmp_path / "a.json", accuracy(model="model.tflite", model_sha256="a" * 64))
    found = report_of([run, score])
    assert (len(found.models), found.title) == (1, "2 runs of 1 model")
    assert found.accuracy[0].name == found.latencies[0].name == found.models[0].name


def test_two_models_of_one_name_are_told_apart(tmp_path):
    runs = [measured(tmp_path / name, model="out/int8/model.tflite", model_sha256=name * 64) for name in "ab"]
    assert [item.name for item in report_of(runs).latencies] == ["int8", "int8 (2)"]


def test_the_report_of_a_whole_run_is_read_as_it_was_written(tmp_path):
    write_report(RUN, tmp_path)
    assert report_of([tmp_path]) == RUN


def test_pictures_of_a_whole_run_are_found_in_its_folder(tmp_path):
    path = tmp_path / "images" / "evaluation" / "dog.png"
    path.parent.mkdir(parents=True)
    Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(path)
    picture = Picture(path, (PictureSide("float32", (Shown((0.1, 0.2, 0.5, 0.6), "dog", 0.9),)),))
    whole = Report(RUN.title, RUN.verdict, RUN.status, RUN.models, pictures=(picture,))
    write_report(whole, tmp_path)
    assert report_of([tmp_path]).pictures == (picture,)
    path.unlink()
    assert report_of([tmp_path]).pictures == ()


@pytest.mark.parametrize("text", ["", "{}", '{"schema": "detlite.report", "schema_version": 1}', "[1"])
def test_a_damaged_report_is_refused(tmp_path, text):
    (tmp_path / "report.json").write_text(text)
    with pytest.raises(InputError, match="report.json is"):
        report_of([tmp_path])


def test_what_is_no_run_is_refused(tmp_path):
    with pytest.raises(InputError, match="has no record of a run: give a folder of detlite measure -o or detlite run"):
        report_of([tmp_path])


def test_a_report_without_sizes_can_be_written(tmp_path):
    found = report_of([written(tmp_path / "a.json", accuracy(model="m.tflite"))])
    html, markdown, record = write_report(found, tmp_path / "out")
    assert "–" in html.read_text()
    assert "| – |" in markdown.read_text()
    assert json.loads(record.read_text())["models"][0]["size_bytes"] is None
    assert to_json(found) == record.read_text()


def test_the_command_writes_three_files_and_replaces_none(tmp_path):
    measured(tmp_path / "run")
    detlite = Detlite(tmp_path)
    assert detlite("report", "run", "-o", "report").status == 0
    assert sorted(path.name for path in (tmp_path / "report").iterdir()) == ["report.html", "report.json", "report.md"]
    refused = detlite("report", "run", "-o", "report")
    assert (refused.status, "already contains a report" in refused.err) == (2, True)
    assert detlite("report", "run", "-o", "report", "--force", "--json").status == 0


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"models": [{**json.loads(to_json(RUN))["models"][0], "name": ["a"]}]},
            "name holds .*want a text",
        ),
        ({"notes": [3]}, r"notes\[0\] holds '3', want a text"),
        ({"latencies": [{"name": "a", "samples_ms": ["x"]}]}, r"samples_ms\[0\] holds 'x', want a number"),
        ({"pictures": 3}, "pictures holds '3', want a list"),
    ],
)
def test_a_damaged_report_of_a_run_is_refused(tmp_path, changes, said):
    written(tmp_path / "report.json", {**json.loads(to_json(RUN)), **changes})
    with pytest.raises(InputError, match=f"report.json is damaged: .*{said}.*; run detlite run again"):
        report_of([tmp_path])


def test_a_report_that_is_a_list_is_refused(tmp_path):
    written(tmp_path / "report.json", [3])
    with pytest.raises(InputError, match="report.json is not a report of version 1 that detlite run wrote"):
        report_of([tmp_path])


def test_a_model_whose_name_is_too_long_for_a_file_is_shown_without_its_operators(tmp_path):
    found = report_of([written(tmp_path / "accuracy.json", accuracy(model="x" * 5000, model_sha256="a" * 64))])
    assert [model.operators for model in found.models] == [None]
