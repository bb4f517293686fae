"""Every recording of a real device is read, whole; cut and garbled ones give an error or a result that says so."""

import json
import re
from dataclasses import asdict
from pathlib import Path

import pytest
from builders.damaged import silently_wrong
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detlite.devices.recording import format_called, formats_of, read_recording
from detlite.runtime.errors import InputError

pytestmark = pytest.mark.data
MOST_CHARACTERS = 20_000


@pytest.fixture(scope="module")
def samples(shared_data) -> Path:
    return shared_data / "device_samples"


@pytest.fixture(scope="module")
def texts(samples) -> dict[str, str]:
    return {path.name: path.read_text(errors="replace") for path in sorted(samples.glob("*/*"))}


@pytest.fixture(scope="module")
def parts(texts) -> list[tuple[str, str]]:
    """Whole lines from the beginning of every recording, some 20 kB of each at most, with each of its formats."""
    shorter = {name: text[: text.rfind("\n", 0, MOST_CHARACTERS) + 1] for name, text in texts.items()}
    shorter |= {name: text for name, text in texts.items() if len(text) < MOST_CHARACTERS}
    return [(kind, text) for text in shorter.values() for kind in formats_of(text)]


def read(texts, name: str, kind: str):
    return format_called(kind).parse(texts[name])


def test_every_recording_is_of_a_known_format(texts):
    assert [name for name, text in texts.items() if not formats_of(text)] == []


def test_every_recording_can_be_written_as_json(samples):
    for path in samples.glob("*/*"):
        json.dumps(read_recording(path), allow_nan=False, default=str)


@pytest.mark.parametrize(
    ("name", "runs"),
    [
        ("lichee_rv_dock.log", 8),
        ("n100_x86_efficientdet_tflite2.18.0.txt", 48),
        ("rpi4_efficientdet_tflite2.18.0_INFO-prefix.txt", 48),
        ("rpi5_efficientdet_tflite2.18.0_INFO-prefix.txt", 50),
        ("visionfive2_gpu_delegate_op_profiling.log", 12),
        ("visionfive2_xnnpack_int8_op_profiling.log", 24),
        ("op_profiling_doc_tensorflow-lite-benchmark.md.txt", 1),
        ("logcat_tflite_real.txt", 1),
    ],
)
def test_benchmark_model_is_read_to_the_last_run_without_a_problem(texts, name, runs):
    found = read(texts, name, "benchmark_model")
    assert len(found) == runs
    assert not [run.problems for run in found if run.problems]
    assert all(run.inference.count > 0 and run.inference.mean_ms > 0 for run in found)


def test_the_means_of_benchmark_model_are_those_of_its_last_lines(texts):
    text = texts["rpi5_efficientdet_tflite2.18.0_INFO-prefix.txt"]
    stated = [float(value) / 1000 for value in re.findall(r"Inference \(avg\): (\S+)", text)]
    found = [
        run.inference.mean_ms
        for run in read(texts, "rpi5_efficientdet_tflite2.18.0_INFO-prefix.txt", "benchmark_model")
    ]
    assert found == pytest.approx(stated, rel=1e-9)


def test_a_run_cut_at_max_secs_counts_what_was_run(texts):
    assert [run.inference.count for run in read(texts, "lichee_rv_dock.log", "benchmark_model")][:2] == [50, 15]


def test_logcat_has_percentiles_and_what_the_delegate_took(texts):
    (run,) = read(texts, "logcat_tflite_real.txt", "benchmark_model")
    assert (run.inference.p5_ms, run.inference.median_ms, run.inference.p95_ms) == (140.545, 141.253, 187.533)
    assert (run.delegates[0].taken, run.delegates[0].operators, run.delegates[0].partitions) == (539, 548, 19)


def test_an_xnnpack_that_took_nothing_is_named(texts):
    found = read(texts, "visionfive2_xnnpack_int8_op_profiling.log", "benchmark_model")
    assert {run.fell_back for run in found} == {("XNNPACK",)}


def test_an_nnapi_that_failed_is_a_failure_and_not_a_run(texts):
    found = read(texts, "xiaomi_mi11_tf2.4_cpu_gpu_nnapi_README.md", "benchmark_model")
    failed = [run for run in found if run.failure]
    assert len(failed) == 2
    assert {run.failure for run in failed} == {"Failed to apply NNAPI delegate."}
    assert all(run.inference is None and run.problems for run in failed)


def test_the_profile_of_operators_lists_as_many_as_were_observed(texts):
    first, second = read(texts, "op_profiling_doc_tensorflow-lite-benchmark.md.txt", "op_profile")
    assert (first.is_initialization, second.is_initialization) == (True, False)
    assert (len(second.nodes), second.problems) == (31, ())
    assert sum(node.mean_ms for node in second.nodes) == pytest.approx(2950, abs=1)


def test_a_delegate_is_one_node_of_the_profile(texts):
    _first, second = read(texts, "xiaomi_mi11_tf2.4_cpu_gpu_nnapi_README.md", "op_profile")
    assert second.nodes[6].kind == "TfLiteNnapiDelegate"
    assert second.nodes[6].name.startswith("[model/tf.nn.silu_16/mul, model/tf.nn.silu_26/mul")


def test_litert_prints_the_numbers_that_its_json_holds(texts):
    (printed,) = read(texts, "litert_2.3_python_stdout_x86_real.txt", "litert_benchmark")
    (written,) = read(texts, "litert_2.3_python_result_x86_real.json", "litert_benchmark")
    assert printed == written


def test_the_status_of_a_tensor_pixel_and_no_limit_of_current_as_a_temperature(texts):
    (thermal,) = read(texts, "dumpsys_thermalservice_pixel_tensor_2.txt", "thermalservice")
    assert (thermal.status, thermal.problems, thermal.is_throttling) == (0, (), False)
    assert max(reading.value_c for reading in thermal.readings) == pytest.approx(27.0, abs=0.01)
    assert "ocp_gpu" not in {reading.name for reading in thermal.readings}


def test_only_what_the_hal_says_now_counts(texts):
    (thermal,) = read(texts, "dumpsys_thermalservice_pixel3a_sargo_1.txt", "thermalservice")
    values = {reading.name: reading.value_c for reading in thermal.readings}
    assert values["cpu0-silver-usr"] == pytest.approx(33.8, abs=0.01)  # 46.1 in the cache


def test_a_cache_without_the_hal_gives_no_temperature(texts):
    (thermal,) = read(texts, "thermalservice_stale_cache_shield.txt", "thermalservice")
    assert thermal.readings == ()
    assert "cached ones can be old" in thermal.problems[0]


def test_a_vendor_that_counts_types_from_one_is_read_by_its_names(texts):
    (thermal,) = read(texts, "dumpsys_thermalservice_pixel3a_sargo_4.txt", "thermalservice")
    assert [(r.kind, r.value_c) for r in thermal.readings] == [
        ("CPU", 24.0),
        ("battery", 24.4),
        ("skin", 25.3),
        ("USB", 24.2),
    ]


def test_the_battery_is_charging(texts):
    (battery,) = read(texts, "dumpsys_battery_13.txt", "battery")
    assert (battery.level_percent, battery.status, battery.powered_by) == (94, "charging", ("AC",))
    assert (battery.temperature_c, battery.problems) == (28.1, ())


def test_a_battery_without_a_temperature_says_so(texts):
    (battery,) = read(texts, "dumpsys_battery_4.txt", "battery")
    assert (battery.temperature_c, battery.problems) == (None, ("missing: temperature",))


def test_a_throttling_pixel_says_its_skin(texts):
    (line,) = read(texts, "pixel_thermal_logcat_real.txt", "pixel_thermal")
    assert (line.sensor, line.value_c, line.parts_c["soc_therm"]) == ("VIRTUAL-SKIN", 42.4566, 47.848)


def test_tegrastats_of_every_board_is_read(texts):
    found = read(texts, "tegrastats_real_lines.txt", "tegrastats")
    # AGX Orin JP 7.2, four of Orin Nano, AGX Orin, TX2, Xavier, AGX Orin with sudo, Nano
    assert [len(sample.cores) for sample in found] == [12, 6, 6, 6, 6, 12, 6, 8, 12, 4]
    assert [sample.power_mw for sample in found] == [13907, 4673, 4673, 5832, 5263, 7898, 1038, 6926, 6708, 933]
    assert [sample.gpu_percent for sample in found] == [12, 0, 0, 0, 0, 0, None, 33, 5, 17]


def test_tegrastats_of_a_tx2_has_cores_that_are_off(texts):
    tx2 = read(texts, "tegrastats_real_lines.txt", "tegrastats")[6]
    assert [core.percent for core in tx2.cores] == [12, 3, None, None, 7, 1]


def test_tegrastats_leaves_out_sensors_of_rails_that_are_off(texts):
    orin = read(texts, "tegrastats_real_lines.txt", "tegrastats")[8]
    assert "GPU" not in orin.temperatures_c  # -256 C
    assert orin.temperatures_c["CPU"] == 41.437


def test_an_input_rail_that_is_less_than_the_others_is_not_the_total(texts):
    agx = read(texts, "tegrastats_real_lines.txt", "tegrastats")[0]
    rails = {name: rail.now_mw for name, rail in agx.rails.items()}
    assert rails["VIN_SYS_5V0"] < rails["VDD_GPU_SOC"] + rails["VDD_CPU_CV"]


def test_the_release_of_a_jetson_says_its_jetpack(texts):
    found = read(texts, "nv_tegra_release.txt", "nv_tegra_release")
    assert [(one.l4t, one.jetpack, one.problems) for one in found] == [("35.1.0", 5, ()), ("35.4.1", 5, ())]


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("jetson_nano_efficientdet-lite0_fp16_trt8.log", 1),
        ("jetson_nano_efficientdet-lite0_fp32_trt8.log", 1),
        ("jetson_nano_ssd_mobilenet_v2_320_fp16_trt8.0.log", 1),
        ("jetson_nano_ssd_mobilenet_v2_efficientnms_trt8.0_all.log", 8),
    ],
)
def test_trtexec_passed_on_a_nano_in_every_run(texts, name, count):
    found = read(texts, name, "trtexec_log")
    assert [(run.passed, run.version, run.gpu, run.problems) for run in found] == [
        (True, "8.0.1", "NVIDIA Tegra X1", ())
    ] * count


def test_trtexec_has_the_latencies_of_its_summary(texts):
    (run,) = read(texts, "jetson_nano_ssd_mobilenet_v2_320_fp16_trt8.0.log", "trtexec_log")
    assert (run.spreads["Latency"].median_ms, run.spreads["Latency"].percentiles_ms) == (24.2942, {"99": 24.4091})
    assert (run.throughput_qps, run.precision, run.build_s) == (41.1318, "FP32+FP16", 510.505)


def test_newer_versions_of_trtexec_have_three_percentiles(texts):
    orin, xavier = read(texts, "summary_newer_trt.txt", "trtexec_log")
    assert list(orin.spreads["Latency"].percentiles_ms) == ["90", "95", "99"]
    assert (orin.passed, xavier.passed, xavier.version) == (None, True, "8.4.0")


def test_profiles_that_trtexec_exported_are_read_with_and_without_a_median(texts):
    older, newer = read(texts, "exportProfile_samples.json.txt", "trtexec_profile")
    assert (older.count, len(older.layers), older.layers[0].median_ms, older.problems) == (625, 4, None, ())
    assert (newer.count, newer.layers[0].mean_ms, newer.layers[0].median_ms) == (41400, 0.0280382, 0.027872)


def test_a_coral_is_seen_on_both_machines(texts):
    found = [device for device in read(texts, "lsusb.txt", "lsusb") if device.edgetpu]
    assert [(device.bus, device.edgetpu) for device in found] == [(2, "ready"), (2, "ready")]


def test_the_first_inference_of_an_edge_tpu_uploads_its_weights(texts):
    found = read(texts, "devboard_spaghettinet_edgetpu_latency.txt", "edgetpu_benchmark")
    assert all(one.is_edgetpu and one.first_ms > 1.5 * one.median_ms for one in found if "edgetpu.tflite" in one.model)


def test_the_reference_latencies_of_coral_are_read(texts):
    (board,) = read(texts, "pycoral_inference_reference_aarch64_ms.csv", "pycoral_reference")
    assert (len(board.mean_ms), board.problems) == (6, ())
    assert board.mean_ms["ssd_mobilenet_v1_coco_quant_postprocess_edgetpu.tflite"] == 14.83


def test_the_accuracies_measured_on_a_raspberry_pi_are_read(texts):
    found = read(texts, "rpi4_usb_ssd_edgetpu_coco_map.txt", "coco_summary")
    assert found[0].numbers["AP 0.50:0.95 all 100"] == 0.224
    assert not [one.problems for one in found if one.problems]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_cut_recording_is_an_error_or_says_so_or_has_the_numbers_of_the_whole(parts, data):
    kind, text = data.draw(st.sampled_from(parts))
    begin = data.draw(st.integers(0, len(text)))
    cut = text[begin : data.draw(st.integers(begin, len(text)))]
    assert silently_wrong(kind, cut, text) == []


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_garbled_recording_is_an_error_or_read_in_part(parts, data):
    kind, text = data.draw(st.sampled_from(parts))
    place = data.draw(st.integers(0, len(text)))
    garbage = data.draw(
        st.sampled_from(["\0", "9" * 400, "nan", "[[[", "=", "1e999", "\t", "-1", "&&&&", "\ufffd" * 9])
    )
    garbled = text[:place] + garbage + text[place + data.draw(st.integers(0, 40)) :]
    try:
        for part in format_called(kind).parse(garbled):
            json.dumps(asdict(part), allow_nan=False, default=str)
    except InputError as error:
        assert "expected" in str(error) or "not JSON" in str(error)
