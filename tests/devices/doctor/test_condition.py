"""The doctor on what makes a device slow or untrue, each finding provoked; with the line that cures it."""

import pytest
from builders.examined import ONNX, TFLITE, altered, found, of
from builders.scripted_device import entry, jetson, linux, pixel

from detlite.devices.doctor.examine import DATE
from detlite.devices.doctor.finding import CAUTION, SPOILS


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
