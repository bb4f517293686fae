"""Measuring by the user's `benchmark_model`: put there, run in processes of its own, its words believed when whole."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from builders.scripted_device import fake_ssh, pixel

from detlite.devices.benchmark_result import benchmark_result, benchmark_text
from detlite.devices.inventory import Device
from detlite.devices.remote.benchmark import benchmark_asked, benchmark_on
from detlite.devices.remote.request import MeasureRequest
from detlite.runtime.artifact import Artifact
from detlite.runtime.errors import DeviceError, InputError
from detlite.runtime.measure.options import MeasureOptions

EMULATED = "the device is emulated: its times say nothing of a real one"
OPTIONS = MeasureOptions(threads=2, queries=50, processes=2, min_duration_s=0.0)
RUN = """\
INFO: STARTING!
INFO: Log parameter values verbosely: [0]
INFO: Graph: [model.tflite]
INFO: #threads used for CPU inference: [2]
{more}
INFO: Initialized session in 12.5ms.
INFO: count=5 first=9000 curr=5000 min=5000 max=9000 avg=6000 std=900

INFO: count={count} first=5100 curr=5000 min=4900 max=5600 avg={mean} std=90

INFO: Inference timings in us: Init: 12500, First inference: 9000, Warmup (avg): 6000, Inference (avg): {mean}
INFO: Memory footprint delta from the start of the tool (MB): init=3 overall=20.5
"""


def run_text(*, mean: int = 5000, count: int = 50, more: str = "INFO: x") -> str:
    return RUN.format(mean=mean, count=count, more=more)


@pytest.fixture
def phone(tmp_path, monkeypatch):
    """Measures on a scripted phone by a program with the shell's *body*; each record says that it is emulated."""
    made = pixel(tmp_path / "phone")
    monkeypatch.setenv("PATH", f"{fake_ssh(tmp_path / 'ssh', made)}:/usr/bin:/bin")
    device = Device("pixel8", "pixel", address="phone.lan", work=str(tmp_path / "work"))
    model = tmp_path / "model.tflite"
    model.write_bytes(b"a model")

    def measure(body, out=None, images=(), affinity=None, **changes):
        program = tmp_path / "benchmark_model"
        program.write_text(f"#!/bin/sh\n{body}\n")
        options = replace(OPTIONS, **changes)
        request = MeasureRequest(Artifact(model, None), options, images, affinity, out=out)
        return benchmark_on(device, benchmark_asked(program, request))

    measure.made = made
    measure.work = tmp_path / "work"
    return measure


def says(text: str) -> str:
    return f"cat >&2 <<'END'\n{text}END"


def test_what_the_program_says_is_the_record(phone, tmp_path):
    record = phone(f'echo "$@" >{tmp_path}/asked\n{says(run_text())}')
    assert (list(record.reasons), record.invoke.mean_ms, record.samples) == ([EMULATED], 5.0, 100)
    assert (record.first_ms, record.load_ms, record.threads) == (9.0, 12.5, 2)
    assert record.device["identity"]["model"] == "Pixel 8"
    assert record.standing_before["thermal_status"] == 0
    asked = (tmp_path / "asked").read_text()
    assert "--num_threads=2 --num_runs=50 --min_secs=0" in asked
    assert f"--graph={tmp_path}/work/files/{record.model_sha256}.tflite" in asked


def test_the_text_ends_with_the_mean_and_the_verdict(phone):
    text = benchmark_text(phone(says(run_text())), None)
    assert text.splitlines()[-1].endswith(f"model.tflite: invoke_mean_ms 5.000, INVALID because {EMULATED}")
    assert "5.000 ms, of the processes 5.000 to 5.000 ms" in text


def test_a_run_is_kept_with_each_processs_own_words(phone, tmp_path):
    record = phone(says(run_text()), out=tmp_path / "run")
    assert json.loads((tmp_path / "run/measurement.json").read_text()) == json.loads(json.dumps(record.to_record()))
    assert (tmp_path / "run/process-2.log").read_text() == run_text()


def test_a_gpu_that_took_nothing_is_invalid(phone):
    record = phone(says(run_text(more="INFO: Use gpu: [1]")), delegates=("gpu",))
    assert list(record.reasons[1:]) == ["fall back: GPU took none of the model's operators; the CPU ran them"]
    assert "benchmark_model lets the GPU compute in 16 bits" in record.cautions


def test_a_gpu_that_took_its_part_says_how_much(phone):
    took = "INFO: Replacing 60 out of 64 node(s) with delegate (TfLiteGpuDelegateV2) node, yielding 2 partitions."
    record = phone(says(run_text(more=f"INFO: Use gpu: [1]\n{took}")), delegates=("gpu",))
    assert list(record.reasons) == [EMULATED]
    assert [(one.taken, one.operators) for one in record.placements] == [(60, 64)]


def test_a_run_that_was_cut_at_its_longest_time_is_invalid(phone):
    assert phone(says(run_text(count=15))).reasons[1:] == ("count: a process ran 15 inferences, and 50 are asked",)


def test_processes_that_become_slower_are_invalid(phone, tmp_path):
    slower = f'n=$(cat {tmp_path}/n 2>/dev/null)\necho x$n >{tmp_path}/n\nif [ -z "$n" ]; then\n'
    body = f"{slower}{says(run_text())}\nelse\n{says(run_text(mean=6000))}\nfi"
    record = phone(body)
    assert record.invoke.mean_range_ms == (5.0, 6.0)
    assert list(record.reasons[1:]) == [
        "throttling, or another program: the last process was 1.20 times as slow as the first"
    ]


def test_a_phone_that_throttles_meanwhile_is_invalid(phone):
    hot = phone.made.programs / "thermal.txt"
    record = phone(f"sed -i 's/Thermal Status: 0/Thermal Status: 2/' {hot}\n{says(run_text())}")
    assert list(record.reasons[1:]) == ["throttling: Android's thermal status is 2 (moderate)"]


def test_the_program_keeps_to_the_cores_that_are_asked_for(phone, tmp_path):
    record = phone(f"grep Cpus_allowed: /proc/self/status >{tmp_path}/cores\n{says(run_text())}", affinity="1")
    assert record.affinity == "1"
    assert int((tmp_path / "cores").read_text().split()[1].replace(",", ""), 16) == 1
    with pytest.raises(
        InputError, match="affinity 'huge': expected a mask such as f0, or a cluster; the device has little, big"
    ):
        phone(says(run_text()), affinity="huge")


def test_nnapi_on_android_15_is_a_caution_in_the_record(phone):
    properties = phone.made.programs / "getprop.txt"
    properties.write_text(properties.read_text().replace("[34]", "[35]"))
    assert any(
        text.startswith("NNAPI is deprecated") for text in phone(says(run_text()), delegates=("nnapi",)).cautions
    )


def test_a_process_that_fails_keeps_those_before_it(phone, tmp_path):
    fails = f"if [ -e {tmp_path}/second ]; then echo 'ERROR: out of memory'; exit 3; fi\ntouch {tmp_path}/second"
    record = phone(f"{fails}\n{says(run_text())}")
    assert record.samples == 50
    assert record.failure.exit_status == 4
    assert record.reasons[1] == "failure: pixel8: benchmark_model ended with status 3: ERROR: out of memory"
    assert record.standing_after is None


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("echo 'CANNOT LINK EXECUTABLE: library not found'; exit 1", "ended with status 1: CANNOT LINK EXECUTABLE"),
        ("echo hello", "wrote nothing of a run: 'hello'"),
        (says(run_text()[:-120]), "it ends before `Inference timings`|lacks"),
        (
            says("INFO: STARTING!\nERROR: Failed to apply NNAPI delegate.\nERROR: Benchmarking failed.\n"),
            "Failed to apply NNAPI",
        ),
    ],
)
def test_a_program_that_fails_is_an_error_of_the_device(phone, body, text):
    with pytest.raises(DeviceError, match=text):
        phone(body)


def test_nothing_is_left_running_and_no_lock_is_left(phone):
    phone(says(run_text()))
    assert sorted(path.name for path in phone.work.iterdir()) == ["files"]


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"scenario": "offline"}, "leave out --scenario offline, or pass --backend litert"),
        ({"images": (Path("photo.jpg"),)}, "leave out --images"),
        ({"per_second": 5.0}, "leave out --target-qps"),
        ({"fps": 30.0}, "leave out --fps"),
        ({"profile": True}, "leave out --profile"),
        ({"delegates": ("gpuu",)}, "did you mean 'gpu'"),
    ],
)
def test_what_the_program_cannot_do_is_refused(phone, values, text):
    with pytest.raises(InputError, match=text):
        phone(says(run_text()), **values)


@pytest.mark.data
def test_the_recorded_runs_of_a_raspberry_pi_make_a_record(shared_data):
    from detlite.devices.parsers.benchmark_model import parse

    text = (shared_data / "device_samples/benchmark_model/rpi5_efficientdet_tflite2.18.0_INFO-prefix.txt").read_text()
    runs = parse(text)[:2]
    record = benchmark_result(runs, asked_runs=50, delegates=())
    assert (record.validity, record.samples, record.invoke.mean_range_ms) == (
        "VALID",
        100,
        (104.012, 104.514),
    )
