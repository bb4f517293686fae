"""The doctor on what a device is and has installed, each finding provoked; with the line that cures it."""

import pytest
from builders.examined import ONNX, found, of
from builders.scripted_device import MAKERS, coral, entry, jetson, linux, pixel

from detlite.devices.doctor.examine import all_checks
from detlite.devices.doctor.finding import CAUTION, SPOILS


@pytest.mark.parametrize("kind", sorted(MAKERS))
def test_a_device_that_is_as_it_should_be_has_nothing_that_spoils(tmp_path, kind):
    made = MAKERS[kind](tmp_path)
    made.program("trtexec", "")
    rows = found(made, entry(kind))
    assert [row for row in rows if row[1] == SPOILS] == []


def test_every_finding_has_a_cure_and_every_check_a_title(tmp_path):
    made = coral(tmp_path)
    made.python(modules=[], versions={}, libedgetpu={"error": "x"}, python="3.7.3", bits=32)
    rows = found(made, entry("jetson", power_mode="MAXN"))
    assert len(rows) > 6
    assert all(text and cure for _name, _level, text, cure in rows)
    assert all(check.title for check in all_checks().values())


def test_another_kind_than_the_inventorys_is_told(tmp_path):
    text, cure = of(found(linux(tmp_path), entry("jetson")), "kind", SPOILS)
    assert text == "the inventory says jetson, but the device answers as generic_linux: Raspberry Pi 5 Model B Rev 1.0"
    assert cure == 'set kind = "generic_linux" of [jetson] in the inventory'


def test_a_jetson_that_is_taken_for_any_board_is_a_caution(tmp_path):
    text, _cure = of(found(jetson(tmp_path), entry("generic_linux")), "kind", CAUTION)
    assert "its own sensors are not read" in text


def test_a_missing_python_spoils(tmp_path):
    made = linux(tmp_path)
    (made.programs / "python3").unlink()
    text, cure = of(found(made, entry("generic_linux", python="python3.77")), "python", SPOILS)
    assert text == "python3.77 does not run on it"
    assert cure.startswith("set `python` of [generic_linux]")


def test_a_phone_without_python_is_fine_with_benchmark_model(tmp_path):
    program = tmp_path / "benchmark_model"
    program.write_bytes(b"\x7fELF\x02\x01" + bytes(12) + b"\xb7\x00")
    made = pixel(tmp_path / "it")
    made.program("python3", "exit 1")
    of(found(made, entry("pixel", benchmark_model=program)), "python", CAUTION)
    _text, cure = of(found(made, entry("pixel")), "python", SPOILS)
    assert "--benchmark-model" in cure


def test_a_benchmark_model_for_another_processor_spoils(tmp_path):
    program = tmp_path / "benchmark_model"
    program.write_bytes(b"\x7fELF\x02\x01" + bytes(12) + b"\x3e\x00")
    rows = found(pixel(tmp_path / "it"), entry("pixel", benchmark_model=program))
    text, _cure = of(rows, "architecture", SPOILS)
    assert text.endswith("is a program for x86_64, and pixel is aarch64: give one built for aarch64")


@pytest.mark.parametrize(
    ("changes", "check", "text"),
    [
        ({"python": "3.7.3"}, "python", "its Python is 3.7.3, and detlite needs 3.9 or newer"),
        ({"bits": 32}, "python", "its Python is 32-bit on an aarch64 kernel: no interpreter supports that"),
        ({"modules": ["ai_edge_litert"]}, "python", "its Python has no numpy"),
        ({"modules": ["numpy"]}, "interpreter", "its Python has no TFLite interpreter"),
        (
            {
                "modules": ["numpy", "tflite_runtime"],
                "versions": {"numpy": "2.1.0", "tflite-runtime": "2.14.0"},
            },
            "interpreter",
            "tflite-runtime 2.14.0 was built for numpy 1, and numpy is 2.1.0",
        ),
    ],
)
def test_a_python_that_does_not_do_spoils(tmp_path, changes, check, text):
    made = linux(tmp_path)
    made.python(**changes)
    assert of(found(made, entry("generic_linux")), check, SPOILS)[0] == text


def test_two_interpreters_are_a_caution(tmp_path):
    made = linux(tmp_path)
    made.python(modules=["numpy", "ai_edge_litert", "tflite_runtime"])
    assert "detlite uses the latter" in of(found(made, entry("generic_linux")), "interpreter", CAUTION)[0]


def test_an_onnx_needs_onnxruntime_on_a_linux_board(tmp_path):
    made = linux(tmp_path)
    text, cure = of(found(made, entry("generic_linux"), ONNX), "interpreter", SPOILS)
    assert (text, cure) == (
        "its Python has no onnxruntime, which the .onnx needs",
        "python3 -m pip install onnxruntime",
    )


def test_a_model_of_another_format_spoils(tmp_path):
    text, _cure = of(found(coral(tmp_path), entry("coral_usb"), ONNX), "format", SPOILS)
    assert text == "model.onnx: a Coral USB Accelerator runs .tflite files"
