"""TensorRT's own program, stood in for by one that writes what trtexec writes."""

import json
import sys
from dataclasses import replace

import pytest
from builders.scripted_runs import SMALL

from detlite.runtime.errors import DeviceError, InputError, MissingToolError
from detlite.runtime.measure.options import MeasureOptions, setup_of
from detlite.runtime.measure.protocol import Setup
from detlite.runtime.measure.results import Stages
from detlite.runtime.measure.run import measure_model
from detlite.runtime.runners.backend import Settings

STAND_IN = """#!{python}
import json, sys
options = dict(word.lstrip("-").partition("=")[::2] for word in sys.argv[1:])
print("&&&& RUNNING TensorRT.trtexec [TensorRT v{version}] # trtexec", *sys.argv[1:])
rows = [dict(startH2dMs=2 * i, h2dMs=0.25, computeMs=1 + i / 1000, d2hMs=0.25, latencyMs=1.5 + i / 1000)
        for i in range(int(options["iterations"]))]
json.dump(rows, open(options["exportTimes"], "w"))
{more}
print("&&&& PASSED TensorRT.trtexec [TensorRT v{version}] # trtexec")
"""


@pytest.fixture
def trtexec(tmp_path, monkeypatch):
    """Puts a stand-in on the path; what it does more is for the caller to say."""

    def put(version="8502", more=""):
        program = tmp_path / "bin/trtexec"
        program.parent.mkdir(exist_ok=True)
        program.write_text(STAND_IN.format(python=sys.executable, version=version, more=more))
        program.chmod(0o755)
        monkeypatch.setenv("PATH", str(program.parent))

    return put


@pytest.fixture
def setup(tmp_path):
    engine = tmp_path / "model.engine"
    engine.write_bytes(b"an engine")
    return Setup(engine, None, "tensorrt", Settings(), "single-stream", "small", SMALL)


@pytest.mark.parametrize(("version", "written"), [("8502", "8.5.2"), ("8001", "8.0.1"), ("100300", "10.3.0")])
def test_an_engine_is_measured_by_trtexec_itself(trtexec, setup, tmp_path, version, written):
    trtexec(version)
    record = measure_model(setup, run=tmp_path / "run")
    assert (record.runtime, record.samples) == (f"TensorRT {written}, by trtexec", 80)
    assert (record.latency.p90_ms, record.validity) == (1.535, "VALID")
    assert record.stages_p50_ms == Stages(input=0.25, invoke=1.019, postprocess=0.25)
    assert "RUNNING TensorRT.trtexec" in (tmp_path / "run/process-2/trtexec.log").read_text()


def test_version_11_is_told_to_measure_as_those_before(trtexec, setup, tmp_path):
    trtexec("110000")
    record = measure_model(setup, run=tmp_path / "run")
    assert record.runtime == "TensorRT 11.0.0, by trtexec --includeDataTransfers --noSpinWait --noCudaGraph"
    (banner, *_rest) = (tmp_path / "run/process-1/trtexec.log").read_text().splitlines()
    assert banner.endswith("--includeDataTransfers --noSpinWait --noCudaGraph")


@pytest.mark.parametrize("version", ["8502", "100300"])
def test_versions_before_11_are_told_nothing_of_it(trtexec, setup, tmp_path, version):
    trtexec(version)
    measure_model(setup, run=tmp_path / "run")
    assert "--noCudaGraph" not in (tmp_path / "run/process-1/trtexec.log").read_text()


def test_what_its_times_do_not_hold_is_said(trtexec, setup):
    trtexec()
    record = measure_model(setup)
    assert record.load_ms is None
    assert "the times are from TensorRT 8.5.2, by trtexec: they do not include images and post-processing" in (
        record.cautions
    )


def test_an_engine_that_is_replaced_while_it_is_measured_is_told(trtexec, setup):
    trtexec(more='open(options["loadEngine"], "a").write("x")')
    assert measure_model(setup).reasons[0].startswith("model: the file was replaced during the measurement")


@pytest.mark.parametrize(
    ("more", "kind", "text"),
    [
        ("sys.exit(1)", DeviceError, "trtexec failed: it ended with status 1; see .*trtexec.log"),
        ("sys.exit(0)", DeviceError, "trtexec failed: it ended with status 0"),  # without saying that it passed
        ("print('[E] Error[1]: out of memory'); sys.exit(1)", DeviceError, "Error.1.: out of memory"),
        ("print('[E] engine deserialize failed'); sys.exit(1)", InputError, "an engine runs only with the version"),
        ("open(options['exportTimes'], 'w').write('[')", InputError, "cannot be read as an export of trtexec"),
    ],
)
def test_a_trtexec_that_fails_is_told(trtexec, setup, more, kind, text):
    trtexec(more=more)
    with pytest.raises(kind, match=text):
        measure_model(setup)


def test_without_trtexec_it_says_where_that_comes_from(setup, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingToolError, match="trtexec is not on the path: it comes with TensorRT"):
        measure_model(setup)


def test_exported_times_are_one_process(tmp_path):
    times = tmp_path / "times.json"
    times.write_text(json.dumps([{"latencyMs": 1.0}] * 40))
    options = MeasureOptions(backend="tensorrt", queries=40, min_duration_s=0.0)
    setup = setup_of(times, None, options)
    assert setup.preset.processes == 1
    assert measure_model(setup).samples == 40
    with pytest.raises(InputError, match="measures with another program: use single-stream"):
        setup_of(times, None, replace(options, scenario="offline"))


def test_a_trtexec_that_fails_in_its_second_process_keeps_the_first(trtexec, setup, tmp_path):
    trtexec(more=f"import pathlib; p = pathlib.Path({str(tmp_path / 'once')!r}); p.exists() and sys.exit(1); p.touch()")
    record = measure_model(replace(setup), run=tmp_path / "run")
    assert (record.samples, record.failure.exit_status) == (40, 4)
