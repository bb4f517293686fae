"""What trtexec writes, of TensorRT 8 to 11, read: its log and its profile of layers."""

import pytest
from builders.device_texts import LAYER_INFO, LAYERS, TRTEXEC

from detlite.devices.parsers import trtexec_layers, trtexec_log, trtexec_profile
from detlite.runtime.errors import InputError


@pytest.mark.parametrize(
    ("digits", "version"),
    [("8001", "8.0.1"), ("8502", "8.5.2"), ("8400", "8.4.0"), ("100300", "10.3.0"), ("110001", "11.0.1"), ("8", None)],
)
def test_the_banner_says_the_version(digits, version):
    (run,) = trtexec_log.parse(TRTEXEC.replace("v100300", f"v{digits}"))
    assert run.version == version


def test_a_run_that_passed_has_its_summary():
    (run,) = trtexec_log.parse(TRTEXEC)
    latency = run.spreads["Latency"]
    assert (run.passed, run.gpu, run.compute_capability, run.precision) == (True, "Orin", "8.7", "FP32+INT8")
    assert (run.build_s, run.throughput_qps, run.command) == (58.5, 410.5, "trtexec --onnx=ssd.onnx --int8")
    assert (latency.median_ms, latency.percentiles_ms) == (2.375, {"90": 2.625, "95": 2.75, "99": 3.25})


def test_a_run_that_failed_says_its_first_errors():
    text = (
        "&&&& RUNNING TensorRT.trtexec [TensorRT v8502] # trtexec --onnx=a.onnx\n"
        "[11/21/2026-12:00:00] [E] Error[4]: ModelImporter.cpp:726: In node 3: no importer\n"
        "&&&& FAILED TensorRT.trtexec [TensorRT v8502] # trtexec --onnx=a.onnx\n"
    )
    (run,) = trtexec_log.parse(text)
    assert (run.passed, run.errors) == (False, ("Error[4]: ModelImporter.cpp:726: In node 3: no importer",))


def test_a_run_that_only_built_says_that_it_was_not_run():
    text = "".join(line for line in TRTEXEC.splitlines(keepends=True) if " ms" not in line)
    (run,) = trtexec_log.parse(text)
    assert run.problems == ("it has no summary: the engine was built but not run",)


def test_a_run_without_an_end_has_not_passed():
    (run,) = trtexec_log.parse(TRTEXEC[: TRTEXEC.index("&&&& PASSED")])
    assert (run.passed, "truncated" in run.problems[0]) == (None, True)


def test_one_percentile_of_older_versions_is_read():
    (run,) = trtexec_log.parse(TRTEXEC.replace("percentile(90%) = 2.625 ms, percentile(95%) = 2.75 ms, ", ""))
    assert run.spreads["Latency"].percentiles_ms == {"99": 3.25}


def test_layers_have_a_mean_and_perhaps_a_median():
    (profile,) = trtexec_profile.parse(LAYERS)
    first, second = profile.layers
    assert (profile.count, first.mean_ms, first.median_ms, second.median_ms) == (100, 0.305, 0.3, None)


@pytest.mark.parametrize("text", ["[\n{]\n]", "[\n" + "[" * 100_000 + "\n]", "[\n1e999\n]", "{}", ""])
def test_a_damaged_profile_is_one_clear_error(text):
    with pytest.raises(InputError):
        trtexec_profile.parse(text)


def test_layers_are_counted_by_what_they_compute_in():
    (found,) = trtexec_layers.parse(LAYER_INFO)
    assert (found.by_precision, found.problems) == ({"int8": 1, "float16": 1}, ())
    (names,) = trtexec_layers.parse('{"Layers": ["Conv_0", "Relu_1"]}')
    assert names.problems == ("it tells only names: build with --profilingVerbosity=detailed",)
