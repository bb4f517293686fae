"""Every finding of the doctor, provoked; with the line that cures it."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from builders.scripted_device import EDGETPU, MAKERS, coral, dev_board, entry, fake_ssh, jetson, linux, pixel
from hypothesis import given, settings
from hypothesis import strategies as st

from detlite.cli import main
from detlite.devices.doctor.examine import DATE, all_checks, diagnose, examine, questions_for, subject_of
from detlite.devices.doctor.finding import CAUTION, SPOILS, CheckedModel
from detlite.devices.survey.questions import Answer, Answers, look

ONNX, TFLITE = CheckedModel(Path("model.onnx"), 1 << 20), CheckedModel(Path("out/model.tflite"), 1 << 20)
COMPILED = CheckedModel(Path("model_edgetpu.tflite"), 1 << 20, 14)


def found(made, device, model=None) -> list[tuple[str, str, str, str]]:
    diagnosis = examine(made, device, model)
    return [(name, one.level, one.text, one.cure) for name, one in diagnosis.findings]


def of(rows, name: str, level: str) -> tuple[str, str]:
    (row,) = [row for row in rows if row[0] == name and row[1] == level]
    return row[2], row[3]


def altered(made, device, question: str, text: str, *, model=None, now_s: float = 1.8e9):
    """What is found where the device gives another answer to one question."""
    answers = look(made, questions_for(device))
    given = {**answers.given, question: Answer(text, 0)}
    diagnosis = diagnose(subject_of(device, Answers(given), now_s=now_s, model=model))
    return [(name, one.level, one.text, one.cure) for name, one in diagnosis.findings]


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


def test_no_right_to_the_edge_tpu_is_cured_by_a_udev_rule(tmp_path):
    rows = altered(coral(tmp_path), entry("coral_usb"), "edgetpu", "usb 2-1 ready 5000 refused /dev/bus/usb/002/003\n")
    text, cure = of(rows, "edgetpu_access", SPOILS)
    assert text == "usb 2-1: no permission to write to /dev/bus/usb/002/003"
    assert 'ATTRS{idVendor}=="%s"' in cure
    assert "usermod -aG plugdev" in cure


def test_usb_2_spoils(tmp_path):
    made = coral(tmp_path)
    made.usb(speed=480)
    text, cure = of(found(made, entry("coral_usb")), "edgetpu_access", SPOILS)
    assert text.startswith("usb 2-1 runs at 480 Mbit/s (USB 2)")
    assert "USB 3 port" in cure


def test_an_edge_tpu_without_its_file_in_dev_spoils(tmp_path):
    made = linux(tmp_path)
    made.usb(mode=None)
    assert "there is no /dev/bus/usb/002/003" in of(found(made, entry("coral_usb")), "edgetpu_access", SPOILS)[0]


def test_no_edge_tpu_spoils_where_one_is_wanted(tmp_path):
    made = linux(tmp_path)
    assert "no Edge TPU was found" in of(found(made, entry("coral_usb")), "edgetpu_access", SPOILS)[0]
    assert "no Edge TPU was found" in of(found(made, entry("generic_linux"), COMPILED), "edgetpu_access", SPOILS)[0]


def test_an_edge_tpu_on_pcie_without_its_driver_spoils(tmp_path):
    made = linux(tmp_path)
    made.files(
        {
            f"/sys/bus/pci/devices/0000:01:00.0/{name}": text
            for name, text in {"vendor": "0x1ac1", "device": "0x089a"}.items()
        }
    )
    text, cure = of(found(made, entry("coral_dev_board")), "edgetpu_access", SPOILS)
    assert text == "pci 0000:01:00.0: there is no /dev/apex_0"
    assert "modprobe apex" in cure


def test_a_missing_library_of_the_edge_tpu_spoils(tmp_path):
    made = coral(tmp_path)
    made.python()
    text, _cure = of(found(made, entry("coral_usb")), "edgetpu_runtime", SPOILS)
    assert text.startswith("libedgetpu.so.1 cannot be loaded")


def test_a_model_compiled_for_a_newer_runtime_spoils(tmp_path):
    made = coral(tmp_path)
    made.python(libedgetpu={"version": EDGETPU["version"].replace("14", "13")})
    text, cure = of(found(made, entry("coral_usb"), COMPILED), "edgetpu_runtime", SPOILS)
    assert text == "the model was compiled for the Edge TPU runtime 14, and the installed one is 13"
    assert cure == "update libedgetpu, or compile with --min-runtime 13"


def test_googles_own_library_does_not_fit_a_new_interpreter(tmp_path):
    made = coral(tmp_path)
    made.says("dpkg-query", "libedgetpu1-max=16.0\n")
    text, _cure = of(found(made, entry("coral_usb")), "edgetpu_runtime", SPOILS)
    assert (
        text
        == "Google's libedgetpu 16.0 requires tflite-runtime 2.5 to 2.11, and the interpreter is ai-edge-litert 2.1.0"
    )


def test_googles_own_library_fits_an_old_interpreter(tmp_path):
    made = dev_board(tmp_path)
    made.says("dpkg-query", "libedgetpu1-std=16.0\n")
    old = {"numpy": "1.18.0", "tflite-runtime": "2.5.0"}
    made.python(libedgetpu=EDGETPU, modules=["numpy", "tflite_runtime"], versions=old)
    assert [row for row in found(made, entry("coral_dev_board"), COMPILED) if row[1] == SPOILS] == []


def test_a_model_that_is_not_compiled_is_told_on_a_coral(tmp_path):
    text, cure = of(found(coral(tmp_path), entry("coral_usb"), TFLITE), "edgetpu_runtime", CAUTION)
    assert text == "model.tflite is not compiled for the Edge TPU: all of it would run on the CPU"
    assert cure == "detlite compile out --target edgetpu -o edgetpu"


def test_the_wrong_power_mode_spoils(tmp_path):
    text, cure = of(found(jetson(tmp_path), entry("jetson", power_mode="MAXN_SUPER")), "power_mode", SPOILS)
    assert text == "it is in the power mode 15W, and the inventory requires MAXN_SUPER"
    assert cure == "sudo nvpmodel -m 2"


def test_a_jetson_whose_mode_nobody_insists_on_is_a_caution(tmp_path):
    assert "the device is in 15W" in of(found(jetson(tmp_path), entry("jetson")), "power_mode", CAUTION)[0]


def test_powersave_spoils_and_ondemand_is_a_caution(tmp_path):
    made = linux(tmp_path)
    made.clocks(scaling_governor="powersave")
    text, cure = of(found(made, entry("generic_linux")), "clocks", SPOILS)
    assert text == "the governor of policy0 is powersave: it keeps the lowest clock"
    assert cure.startswith("echo performance | sudo tee")
    made.clocks(scaling_governor="ondemand")
    assert of(found(made, entry("generic_linux")), "clocks", CAUTION)[0].endswith("is ondemand: its clock may vary")


def test_a_laptops_powersave_is_a_caution_alone(tmp_path):
    made = linux(tmp_path)
    made.clocks(scaling_governor="powersave", scaling_driver="intel_pstate")
    of(found(made, entry("generic_linux")), "clocks", CAUTION)


def test_a_clock_that_is_held_down_spoils(tmp_path):
    made = jetson(tmp_path)
    made.clocks(scaling_max_freq=1036800)
    made.clocks("policy4", scaling_max_freq=1036800)
    text, _cure = of(found(made, entry("jetson")), "clocks", SPOILS)
    assert text == "policy0 and 1 more is limited to 1036800 of 1728000 kHz"


def test_a_throttled_phone_spoils(tmp_path):
    made = pixel(tmp_path)
    made.thermal(1)
    text, cure = of(found(made, entry("pixel")), "heat", SPOILS)
    assert text == "throttling: Android's thermal status is 1 (light)"
    assert cure.startswith("let it cool down")


def test_a_hot_board_spoils(tmp_path):
    made = linux(tmp_path)
    made.files({"/sys/class/thermal/thermal_zone0/temp": "84100\n"})
    assert "cpu-thermal (thermal_zone0) is at 84 degrees" in of(found(made, entry("generic_linux")), "heat", SPOILS)[0]


@pytest.mark.parametrize(("flags", "level"), [("50005", SPOILS), ("0x50000", CAUTION), ("0", None), ("garbage", None)])
def test_a_raspberry_pis_own_flags_are_read(tmp_path, flags, level):
    made = linux(tmp_path)
    made.files({"/sys/devices/platform/soc/soc:firmware/get_throttled": f"{flags}\n"})
    assert {row[1] for row in found(made, entry("generic_linux")) if row[0] == "heat"} == ({level} if level else set())


def test_charging_and_a_dark_screen_are_cautions(tmp_path):
    made = pixel(tmp_path)
    made.battery(usb=True)
    (made.programs / "dumpsys").write_text((made.programs / "dumpsys").read_text().replace("echo true", "echo false"))
    texts = [row[2] for row in found(made, entry("pixel")) if row[0] == "battery"]
    assert [text.split(":")[0] for text in texts] == ["the battery is charging from USB", "the screen is off"]


def test_android_15_says_that_nnapi_is_deprecated(tmp_path):
    made = pixel(tmp_path)
    made.says("getprop", "[ro.product.model]: [Pixel 9]\n[ro.build.version.sdk]: [35]\n")
    assert "NNAPI is deprecated" in of(found(made, entry("pixel")), "android", CAUTION)[0]


def test_a_32_bit_board_spoils(tmp_path):
    made = linux(tmp_path)
    made.program("uname", "echo armv7l")
    text, _cure = of(found(made, entry("generic_linux")), "architecture", SPOILS)
    assert text == "it is armv7l: ai-edge-litert supports only aarch64, arm64, x86_64"


def test_a_clock_that_is_wrong_is_told_in_seconds(tmp_path):
    rows = altered(linux(tmp_path), entry("generic_linux"), DATE, "1800003600\n")
    text, cure = of(rows, "wall_clock", CAUTION)
    assert text.startswith("its clock is 3600 s ahead of this machine's")
    assert cure == "sudo timedatectl set-ntp true"


def test_too_little_room_spoils_and_the_models_size_counts(tmp_path):
    rows = altered(linux(tmp_path), entry("generic_linux"), "room /var", "5000\n", model=TFLITE)
    text, cure = of(rows, "room", SPOILS)
    assert text == "/var has 5000 KiB free, and 5120 KiB are needed"
    assert cure.startswith("detlite devices clean generic_linux")
    rows = altered(linux(tmp_path / "other"), entry("generic_linux"), "room /var", "5000\n")
    assert [row for row in rows if row[0] == "room"] == []


def test_a_busy_device_is_a_caution(tmp_path):
    made = linux(tmp_path)
    made.files({"/proc/loadavg": "3.50 2 1 1/2 3\n", "/sys/devices/system/cpu/online": "0-2,4\n"})
    assert of(found(made, entry("generic_linux")), "load", CAUTION)[0] == "it is busy: load 3.50 on 4 cores"


def test_missing_programs_spoil(tmp_path):
    rows = altered(linux(tmp_path), entry("generic_linux"), "tools", "setsid\ntar\n")
    assert of(rows, "programs", SPOILS)[0] == "it lacks setsid, tar, which a deployment needs"


def test_a_jetson_without_trtexec_spoils_for_an_onnx_alone(tmp_path):
    made = jetson(tmp_path)
    made.program("test", "exit 1")
    assert "cannot build a TensorRT engine" in of(found(made, entry("jetson"), ONNX), "tensorrt", SPOILS)[0]
    of(found(made, entry("jetson"), TFLITE), "tensorrt", CAUTION)


def test_what_sensors_do_not_say_is_a_caution(tmp_path):
    made = pixel(tmp_path)
    (made.programs / "thermal.txt").write_text("HAL Ready: false\n")
    assert any("unknown: " in row[2] for row in found(made, entry("pixel")) if row[0] == "sensors")


words = [
    "",
    "x",
    "@",
    "9" * 30,
    "-1",
    "RAM 1/2MB",
    "Thermal Status: 9",
    "[ro.product.model]: [a]",
    "usb a b c d e",
    "apex x",
]
facts = st.fixed_dictionaries(
    {
        "python": st.sampled_from(["3.9.0", "2.7.18", "x", 3]),
        "bits": st.sampled_from([32, 64, "x"]),
        "modules": st.just([]) | st.just(["numpy", "tflite_runtime", 5]) | st.just("numpy"),
        "versions": st.dictionaries(
            st.sampled_from(["numpy", "tflite-runtime"]), st.sampled_from(["", "x", "2", "1.9", 5])
        ),
        "libedgetpu": st.sampled_from([{}, {"version": "RuntimeVersion(9)"}, {"error": "no"}, {"version": 4}, []]),
    }
)


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_the_doctor_survives_garbage_in_every_answer(data):
    device = entry(data.draw(st.sampled_from(sorted(MAKERS))), power_mode=data.draw(st.sampled_from([None, "MAXN"])))
    said = {
        one: Answer("\n".join(data.draw(st.lists(st.sampled_from(words), max_size=3))), 0)
        for one in questions_for(device)
    }
    said |= {"run uname -m": Answer("aarch64", 0), f"python {device.python}": Answer(json.dumps(data.draw(facts)), 0)}
    found = diagnose(
        subject_of(device, Answers(said), now_s=0, model=data.draw(st.sampled_from([None, COMPILED, ONNX])))
    )
    assert all(finding.text and finding.cure for _name, finding in found.findings)


@pytest.fixture
def doctor(tmp_path, monkeypatch, capsys):
    """Runs `detlite doctor` over ssh on a scripted device, and returns status and stdout."""

    def run(made, *arguments: str, more: str = ""):
        path = fake_ssh(tmp_path / "ssh", made)
        monkeypatch.setenv("PATH", f"{path}:/usr/bin:/bin")
        (tmp_path / "devices.toml").write_text(f'[orin]\nkind = "jetson"\naddress = "orin.lan"\n{more}')
        monkeypatch.setenv("DETLITE_DEVICES", str(tmp_path / "devices.toml"))
        status = main(["doctor", "--device", "orin", *arguments])
        said = capsys.readouterr()
        return status, said.out, said.err

    return run


def test_the_command_ends_with_0_where_nothing_spoils(tmp_path, doctor):
    status, out, _err = doctor(jetson(tmp_path / "it"), more='power_mode = "15W"\n')
    assert status == 0
    assert out.endswith("orin: nothing would spoil a measurement, 0 cautions\n")
    assert "orin (jetson): NVIDIA Jetson Orin Nano Developer Kit" in out


def test_the_command_ends_with_1_and_says_the_cure(tmp_path, doctor):
    status, out, _err = doctor(jetson(tmp_path / "it"), more='power_mode = "7W"\nemulated = true\n')
    assert status == 1
    assert "    cure: sudo nvpmodel -m 1\n" in out
    assert out.endswith("emulated orin: 1 that would spoil a measurement, 0 cautions\n")


def test_the_commands_json_has_findings_and_standing(tmp_path, doctor):
    status, out, _err = doctor(jetson(tmp_path / "it"), "--json", more='power_mode = "7W"\n')
    record = json.loads(out)
    assert (status, record["schema"], record["spoiled"]) == (1, "detlite.doctor", True)
    assert [(one["check"], one["level"]) for one in record["findings"]] == [("power_mode", SPOILS)]
    assert record["standing"]["power_mw"] == 5000


def test_a_device_that_is_gone_ends_with_4(tmp_path, doctor):
    made = jetson(tmp_path / "it")
    made.program("sh", "echo 'ssh: connect to host orin.lan port 22: Connection refused' >&2; exit 255")
    status, _out, err = doctor(made)
    assert status == 4
    assert "orin: nothing answers at its ssh port" in err


@pytest.mark.parametrize(
    ("arguments", "text"),
    [(["nothing.tflite"], "there is nothing"), (["--inventory", "none.toml"], "cannot be read")],
)
def test_bad_input_ends_with_2(tmp_path, doctor, arguments, text):
    status, _out, err = doctor(jetson(tmp_path / "it"), *arguments)
    assert status == 2
    assert text in err


def test_a_damaged_model_ends_with_2(tmp_path, doctor):
    bad = tmp_path / "bad.tflite"
    bad.write_bytes(b"\x1c\x00\x00\x00TFL3" + b"\xff" * 64)
    status, _out, err = doctor(jetson(tmp_path / "it"), str(bad))
    assert status == 2
    assert "bad.tflite" in err


def test_the_subject_of_this_machine_is_what_it_is_recognized_as(tmp_path):
    made = jetson(tmp_path)
    device = replace(entry("jetson"), name="host", kind="host", address=None, work=str(tmp_path))
    assert examine(made, replace(device, name="here")).subject.kind_name == "jetson"
