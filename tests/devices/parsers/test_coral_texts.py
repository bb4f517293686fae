"""What is printed on boards with an Edge TPU, read: USB, latencies, accuracies."""

from pathlib import Path

import pytest
from builders.device_texts import CORAL, LSUSB, PRECISIONS, RECALLS, REFERENCE

from detlite.devices.parsers import coco_summary, edgetpu_benchmark, lsusb, pycoral_reference
from detlite.devices.recording import format_called, formats_of, read_recording
from detlite.runtime.errors import InputError


def test_an_edge_tpu_has_one_number_before_its_firmware_and_another_after():
    assert [device.edgetpu for device in lsusb.parse(LSUSB)] == ["ready", "waiting", None]


def test_the_first_inference_stands_apart():
    (found,) = edgetpu_benchmark.parse(CORAL)
    assert (found.first_ms, found.mean_ms, found.median_ms, found.p99_ms) == (31.5, 12.25, 12.125, 14.25)
    assert (found.is_edgetpu, found.threads) == (True, 2)


def test_a_model_without_the_delegate_is_not_of_the_edge_tpu():
    (found,) = edgetpu_benchmark.parse(CORAL.replace("EdgeTpu delegate\n", ""))
    assert not found.is_edgetpu


def test_a_reference_that_stands_twice_is_a_problem():
    (found,) = pycoral_reference.parse(REFERENCE + "ssd_b_edgetpu.tflite 9.25\n")
    assert found.problems == ("1 line is unreadable or duplicated",)


def test_the_twelve_numbers_have_names():
    (found,) = coco_summary.parse(PRECISIONS + RECALLS)
    assert (found.numbers["AP 0.50:0.95 all 100"], found.numbers["AR 0.50:0.95 large 100"]) == (0.025, 0.575)


def test_the_end_of_one_summary_and_the_begin_of_the_next_are_not_one():
    found = coco_summary.parse(RECALLS + PRECISIONS)
    assert [len(one.numbers) for one in found] == [6, 6]
    assert all("6 of the 12 numbers" in one.problems[0] for one in found)


def test_a_text_can_be_of_several_formats():
    assert formats_of(LSUSB + CORAL) == ("edgetpu_benchmark", "lsusb")


def test_a_recording_of_nothing_known_is_answered_with_what_is(tmp_path):
    (tmp_path / "log.txt").write_text("hello\n")
    with pytest.raises(InputError, match=r"has no format that detlite reads; known formats: battery, benchmark_model"):
        read_recording(tmp_path / "log.txt")


def test_a_recording_that_is_not_there_is_one_clear_error(tmp_path):
    with pytest.raises(InputError, match=r"none.txt cannot be read: No such file"):
        read_recording(tmp_path / "none.txt")


def test_an_unknown_format_is_answered_with_the_nearest():
    with pytest.raises(InputError, match="did you mean 'tegrastats'"):
        format_called("tegrastat")


def test_a_file_without_an_end_is_refused():
    with pytest.raises(InputError, match="/dev/zero is over 256 MiB: too large for a recording of a device"):
        read_recording(Path("/dev/zero"))
