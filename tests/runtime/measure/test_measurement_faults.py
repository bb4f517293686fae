"""A fault in each stage of a measurement: its verdict, no finished sample lost, and the same command goes on."""

import contextlib
import json
import resource
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from builders.scripted_runs import QUERIES, SMALL, photos, scripted, tiny

from detlite.runtime.errors import DeviceError, InputError, MissingToolError
from detlite.runtime.measure.accuracy_run import _finished
from detlite.runtime.measure.run import measure_model
from detlite.runtime.measure.run_folder import cut_samples, read_rows
from detlite.runtime.measure.run_summary import series_of
from detlite.runtime.measure.state import read_sittings

TESTS = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("script", "text", "samples"),
    [
        ({"die_at": 40}, "died of SIGKILL", 23),
        ({"fail_at": 40}, "the script fails at inference 40", 23),
    ],
)
def test_a_process_that_ends_early_loses_no_finished_sample(tmp_path, script, text, samples):
    record = measure_model(scripted(tmp_path, **script), run=tmp_path / "run")
    assert text in record.failure.text
    assert record.failure.exit_status == 4
    assert record.validity.startswith("INVALID because failure: ")
    assert record.samples == samples == len(read_rows(tmp_path / "run/process-1/samples.tsv"))
    assert record.latency.p50_ms == 2.0


@pytest.mark.parametrize("script", [{"die_at": 0}, {"fail_at": 0}])
def test_a_model_that_fails_at_its_first_inference_is_a_failed_device(tmp_path, script):
    with pytest.raises(DeviceError, match=r"nothing was measured: .*(died of SIGKILL|fails at inference 0)"):
        measure_model(scripted(tmp_path, **script), run=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_process_that_dies_while_it_warms_up_has_no_samples_and_says_so(tmp_path):
    record = measure_model(scripted(tmp_path, die_at=5), run=tmp_path / "run")
    assert "died of SIGKILL" in record.failure.text
    assert (record.samples, record.processes[0].warm_up_samples) == (0, 4)


def test_a_clock_that_steps_back_is_told(tmp_path):
    record = measure_model(scripted(tmp_path, step_back_at=50, step_back_ms=500))
    assert record.reasons[0] == "clock: it stepped back at sample 34 of process 1"


def test_a_model_that_is_replaced_while_it_runs_is_told(tmp_path):
    setup = scripted(tmp_path, clock="machine", invoke_ms=[5.0])

    def replace_model(_what, done, _total):
        if done:
            setup.model.write_text(setup.model.read_text() + " ")

    record = measure_model(replace(setup, preset=replace(SMALL, min_duration_s=1.4)), progress=replace_model)
    assert any(reason.startswith("model: the file was replaced during the measurement") for reason in record.reasons)
    assert record.samples > 80


@contextlib.contextmanager
def disk_of(size_bytes):
    """No file grows beyond *size_bytes* inside the `with`, here and in the processes that are started."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("size_bytes", [20, 300, 650, 1200, 2600])
def test_a_full_disk_gives_its_verdict_and_the_run_is_gone_on_with(tmp_path, size_bytes):
    setup, run = scripted(tmp_path), tmp_path / "run"
    try:
        with disk_of(size_bytes):
            record = measure_model(setup, run=run)
    except MissingToolError as error:
        assert "File too large" in str(error)
        finished = 0
    else:
        assert record.failure.exit_status == 3
        assert "File too large" in record.failure.text
        finished = record.samples
        assert finished == sum(len(read_rows(path)) for path in run.glob("process-*/samples.tsv"))
    record = measure_model(setup, run=run)
    assert (record.validity, record.samples, record.failure) == ("VALID", 80, None)
    kept = sum(cut_samples(folder) for folder in run.glob("process-*"))
    assert kept in (0, finished, finished - 40)  # the others were whole processes, which count


def test_what_was_cut_short_is_kept_and_said_and_does_not_count(tmp_path):
    setup, run = scripted(tmp_path), tmp_path / "run"
    with disk_of(1200):
        finished = measure_model(setup, run=run).samples
    record = measure_model(setup, run=run)
    assert [one.samples_set_aside for one in record.processes] == [finished, 0]
    assert f"process 1 was interrupted and repeated: the {finished} earlier samples are kept" in str(record.cautions)
    assert len(read_rows(run / "process-1/samples-cut-1.tsv")) == finished > 0
    assert record.sittings == 2


def test_a_finished_process_is_not_run_again(tmp_path):
    setup, run = scripted(tmp_path), tmp_path / "run"
    measure_model(setup, run=run)
    (run / "measurement.json").unlink()
    (run / "process-2/ended.json").unlink()
    before = (run / "process-1/ended.json").stat().st_mtime_ns
    assert measure_model(setup, run=run).validity == "VALID"
    assert (run / "process-1/ended.json").stat().st_mtime_ns == before


KILLED = """
import sys; sys.path[:0] = {paths!r}
from pathlib import Path; from dataclasses import replace
from builders.scripted_runs import SMALL, QUERIES, scripted
from detlite.runtime.measure.run import measure_model
folder = Path({folder!r})
preset = replace(SMALL, queries={{**QUERIES, "single-stream": 2000}})
measure_model(scripted(folder, clock="machine", invoke_ms=[1.0], preset=preset), run=folder / "run")
"""


def test_a_measurement_that_is_killed_leaves_its_samples_and_is_gone_on_with(tmp_path):
    child = subprocess.Popen([sys.executable, "-c", KILLED.format(paths=[str(TESTS)], folder=str(tmp_path))])
    samples = tmp_path / "run/process-1/samples.tsv"
    while len(read_rows(samples)) < 30:
        assert child.poll() is None
        time.sleep(0.05)
    child.send_signal(signal.SIGKILL)
    child.wait()
    preset = replace(SMALL, queries={**QUERIES, "single-stream": 2000})
    setup = scripted(tmp_path, clock="machine", invoke_ms=[1.0], preset=preset)
    record = measure_model(setup, run=tmp_path / "run")
    cut = sum(one.warm_up_cut for one in record.processes)
    assert (record.samples + cut, record.failure) == (2000, None)
    assert record.processes[0].samples_set_aside >= 30
    assert len(read_sittings(tmp_path / "run/state.jsonl")) == 2


def test_a_run_is_not_gone_on_with_other_images(tmp_path):
    setup, run = replace(tiny(tmp_path), images=photos(tmp_path, 2)), tmp_path / "run"
    measure_model(setup, run=run)
    (run / "measurement.json").unlink()
    others = tmp_path / "others"
    others.mkdir()
    (others / "a.npy").write_bytes(setup.images[0].read_bytes())
    with pytest.raises(InputError, match="already contains a run"):
        measure_model(replace(setup, images=(others / "a.npy", setup.images[1])), run=run)


def test_processes_of_two_machines_are_no_run(tmp_path):
    setup, run = scripted(tmp_path), tmp_path / "run"
    measure_model(setup, run=run)
    (run / "measurement.json").unlink()
    opened = json.loads((run / "process-1/opened.json").read_text())
    (run / "process-1/opened.json").write_text(json.dumps({**opened, "machine": "another"}))
    reasons = measure_model(setup, run=run).reasons
    assert list(reasons) == ["device: the processes did not all run on the same machine, or its system was changed"]


def test_an_image_that_is_none_is_named_and_nothing_is_left_behind(tmp_path):
    bad = tmp_path / "photo.npy"
    bad.write_text("no image")
    with pytest.raises(InputError, match=r"photo.npy is no .npy image"):
        measure_model(replace(tiny(tmp_path), images=(bad,)), run=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_an_image_that_is_none_stops_the_accuracy_run_and_mending_it_goes_on(tmp_path):
    images = photos(tmp_path, 6)
    good = images[5].read_bytes()
    images[5].write_bytes(b"no image")
    preset = replace(SMALL, sample_count=1, processes=1)  # of six images one is timed; the first that LoadGen draws
    setup, run = replace(tiny(tmp_path), images=images, preset=preset, accuracy=True), tmp_path / "run"
    record = measure_model(setup, run=run)
    assert (record.samples > 0, record.failure.exit_status) == (True, 2)
    assert "photo5.npy is no .npy image" in record.validity
    lines = (run / "detections.jsonl").read_bytes()
    assert lines.count(b"\n") >= 1
    images[5].write_bytes(good)
    assert measure_model(setup, run=run).failure is None
    assert (run / "detections.jsonl").read_bytes().startswith(lines)
    assert [entry["qsl_idx"] for entry in json.loads((run / "mlperf_log_accuracy.json").read_text())] == [*range(6)]


def test_an_end_to_end_run_keeps_what_came_before_an_image_that_is_none(tmp_path):
    images = photos(tmp_path, 2)
    setup = replace(tiny(tmp_path), scenario="offline", images=images, end_to_end=True)

    def damage(_what, _done, _total):
        images[1].write_bytes(b"no image")

    preset = replace(SMALL, offline_samples=4_000_000, processes=1)
    record = measure_model(replace(setup, preset=preset), run=tmp_path / "run", progress=damage)
    assert "photo1.npy is no .npy image" in record.failure.text
    assert record.samples == len(read_rows(tmp_path / "run/process-1/samples.tsv")) > 0


def test_a_script_that_is_none_is_refused(tmp_path):
    with pytest.raises(InputError, match="a script has no 'speed'"):
        measure_model(scripted(tmp_path, speed=1))


@pytest.mark.parametrize("name", ["protocol.json", "state.jsonl", "process-1/opened.json", "process-1/samples.tsv"])
@pytest.mark.parametrize("text", ["{", "[1]\n", '{"sitting": "x"}\n', "\0\xff\n"])
def test_a_run_that_was_damaged_is_refused_and_left_as_it_is(tmp_path, name, text):
    setup, run = scripted(tmp_path), tmp_path / "run"
    measure_model(setup, run=run)
    (run / "measurement.json").unlink()
    (run / name).write_text(text, encoding="latin-1")
    if text == "{" and name.endswith(("jsonl", "tsv")):
        return  # a last line that was cut is none
    with pytest.raises(InputError):
        measure_model(setup, run=run)
    assert (run / name).read_text(encoding="latin-1") == text
    assert (run / "process-2/samples.tsv").is_file()


@pytest.mark.parametrize("line", ["[3]", '{"name": "a.png"}', '{"image": NaN}', "3"])
def test_damaged_detections_of_a_run_that_is_resumed_are_refused(tmp_path, line):
    path = tmp_path / "detections.jsonl"
    path.write_text(f"head\n{line}\n")
    with pytest.raises(InputError, match="detections.jsonl is damaged .*; pass --force to measure again"):
        _finished(path, b"head\n", ["a.png"])


@pytest.mark.parametrize(
    ("file", "changes", "said"),
    [
        ("opened", {"runtime": {}}, "runtime holds '{}', want a text"),
        ("opened", {"placements": 3}, "placements holds '3', want a list"),
        ("opened", {"images": [3]}, "images.0. holds '3', want an object"),
        ("ended", {"model_sha256": 3}, "model_sha256 holds '3', want a text"),
        ("ended", {"load": {"queries": []}}, "load.queries holds '..', want a whole number"),
    ],
)
def test_damaged_facts_of_a_process_are_refused(tmp_path, file, changes, said):
    setup, run = scripted(tmp_path), tmp_path / "run"
    (run / "process-1").mkdir(parents=True)
    opened = {"runtime": "x", "model_sha256": "a", "load_ns": 1, "first_ns": 1, "placements": [], "images": []}
    ended = {"model_sha256": "a", "memory_peak_bytes": 1, "wall_clock_step_s": 0.0}
    facts = {"opened": {**opened, "machine": "m"}, "ended": ended}
    for name, record in facts.items():
        changed = {**record, **(changes if name == file else {})}
        (run / "process-1" / f"{name}.json").write_text(json.dumps(changed))
    with pytest.raises(InputError, match=f"{file}.json is damaged: {said}; pass --force to measure again"):
        series_of(setup, run)
