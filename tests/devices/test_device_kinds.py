"""Every kind of device is recognized, identified and sensed from what it says; what it does not say is a problem."""

import json
import sys

import pytest
from builders.run_records import latency
from builders.scripted_device import MAKERS, coral, dev_board, entry, jetson, linux, pixel
from builders.waiting import wait_until
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detlite.devices.inventory import HOST, Device
from detlite.devices.kind import all_kinds, identity_questions, kind_called, questions_of_all, recognize
from detlite.devices.kinds.pixel import thermal_summary
from detlite.devices.survey.affinity import affinity_words
from detlite.devices.survey.device_state import cautions_of, changes, standing_record
from detlite.devices.survey.ina import energy_mj, parse_rails
from detlite.devices.survey.measured import sensors_after, standing_before, with_standing
from detlite.devices.survey.questions import Answer, Answers, look, parse_answers, python_facts
from detlite.devices.survey.show import facts_of, shown
from detlite.devices.survey.tegrastats_summary import tegrastats_summary
from detlite.devices.survey.watching import watching
from detlite.devices.transport.local import LocalTransport
from detlite.runtime.errors import DeviceError, FindingError, InputError
from detlite.runtime.measure.results import Energy, Measurement

MEASURED = Measurement.from_record(latency(duration_s=2.0, samples=100, energy=None, device={}))


def asked(made, kind: str) -> Answers:
    known = kind_called(kind)
    return look(made, (*known.questions, *known.sensor_questions))


def identity(made, kind: str):
    return kind_called(kind).identify(asked(made, kind))


def sensors(made, kind: str):
    return kind_called(kind).sensors(asked(made, kind))


@pytest.mark.parametrize("kind", sorted(MAKERS))
def test_each_kind_is_recognized_by_what_it_says(tmp_path, kind):
    assert recognize(look(MAKERS[kind](tmp_path), identity_questions()))[0] == kind


@pytest.mark.parametrize("kind", sorted(all_kinds()))
def test_a_kind_needs_no_other_kinds_questions_and_survives_silence(kind):
    known = kind_called(kind)
    silent = Answers({question: Answer("", 127) for question in (*known.questions, *known.sensor_questions)})
    assert known.recognize(silent) is None
    assert known.identify(silent).model
    assert json.dumps(standing_record(known.sensors(silent)), allow_nan=False)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.data())
def test_garbage_in_every_answer_is_survived_by_every_kind(data):
    words = [
        "@",
        "RAM 1/2MB",
        "CPU [",
        "count=",
        "Thermal Status: 9",
        "level: x",
        "[a]: [",
        "# R36",
        "\x00",
        "é",
        "9" * 40,
    ]
    text = st.lists(st.sampled_from(words) | st.text(max_size=8), max_size=6).map("\n".join)
    given_text = {question: Answer(data.draw(text), 0) for question in questions_of_all()}
    for kind in all_kinds().values():
        kind.recognize(Answers(given_text))
        assert kind.identify(Answers(given_text)).model
        json.dumps(standing_record(kind.sensors(Answers(given_text))), allow_nan=False)


def test_a_device_that_says_nothing_is_of_no_kind():
    silent = Answers({question: Answer("", 127) for question in identity_questions()})
    with pytest.raises(DeviceError, match="neither Linux nor Android"):
        recognize(silent)


def test_a_pixel_tells_model_chip_build_and_clusters(tmp_path):
    found = identity(pixel(tmp_path), "pixel")
    assert (found.model, found.chip, found.system) == ("Pixel 8", "Google Tensor G3", "Android 14")
    assert found.facts["abi"] == "arm64-v8a"
    assert found.facts["clusters"] == "policy0: cores 0,1,2,3 (taskset f); policy8: cores 8 (taskset 100)"


def test_a_pixel_tells_its_thermal_status_battery_and_screen(tmp_path):
    made = pixel(tmp_path)
    made.thermal(2)
    made.battery(level=15, usb=True)
    found = sensors(made, "pixel")
    assert found.temperatures_c == {"VIRTUAL-SKIN (skin)": 34.5}
    assert (found.thermal_status, found.screen_on, found.battery.level_percent) == (2, True, 15)
    assert cautions_of(found) == [
        "the battery is charging from USB: charging warms the device",
        "the battery is at 15%: the battery saver may limit the clocks",
    ]


@pytest.mark.data
def test_a_real_pixel_of_the_tensor_line_is_sensed(tmp_path, shared_data):
    made = pixel(tmp_path)
    recorded = shared_data / "device_samples/android"
    made.programs.joinpath("thermal.txt").write_bytes(
        (recorded / "dumpsys_thermalservice_pixel_tensor_2.txt").read_bytes()
    )
    made.programs.joinpath("battery.txt").write_bytes((recorded / "dumpsys_battery_4.txt").read_bytes())
    found = sensors(made, "pixel")
    assert found.thermal_status == 0
    assert found.temperatures_c
    assert all(-40 < value < 120 for value in found.temperatures_c.values())


def test_a_jetson_tells_l4t_jetpack_part_and_tensorrt(tmp_path):
    found = identity(jetson(tmp_path), "jetson")
    assert (found.model, found.system) == ("NVIDIA Jetson Orin Nano Developer Kit", "L4T 36.4.3")
    assert {key: found.facts[key] for key in ("jetpack", "part", "tensorrt")} == {
        "jetpack": "6",
        "part": "p3767-0005",
        "tensorrt": "10.3.0.30",
    }


def test_a_jetson_tells_its_power_mode_power_and_temperatures(tmp_path):
    found = sensors(jetson(tmp_path), "jetson")
    assert (found.power_modes.current, found.power_mw, found.rails_mw) == ("15W", 5000.0, {"VDD_IN": 5000.0})
    assert found.temperatures_c["tj"] == 56.656
    assert found.problems == ()


def test_the_power_mode_is_had_from_its_file_where_nvpmodel_refuses(tmp_path):
    made = jetson(tmp_path)
    made.program("nvpmodel", "echo 'NVPM ERROR: you must be root'; exit 1")
    made.files({"/var/lib/nvpmodel/status": "pmode:0002 fmode:quiet\n"})
    assert sensors(made, "jetson").power_modes.current == "MAXN_SUPER"


def test_a_power_mode_that_nothing_tells_is_a_problem_and_not_a_guess(tmp_path):
    made = jetson(tmp_path)
    made.program("nvpmodel", "echo 'NVPM ERROR: you must be root'; exit 1")
    found = sensors(made, "jetson")
    assert found.power_modes.current is None
    assert "it says: you must be root" in found.problems[0]


@pytest.mark.data
def test_every_recorded_line_of_tegrastats_is_sensed_by_a_jetson(tmp_path, shared_data):
    text = (shared_data / "device_samples/jetson/tegrastats_real_lines.txt").read_text()
    lines = [line for line in text.splitlines() if "RAM " in line]
    known, answers = kind_called("jetson"), asked(jetson(tmp_path), "jetson")
    question = next(question for question in known.sensor_questions if "tegrastats" in question)
    for line in lines:
        found = known.sensors(Answers({**answers.given, question: Answer(f"{line}\n", 124)}))
        assert found.temperatures_c, line
    assert len(lines) >= 9


def test_the_rails_of_jetpack_4_are_read_too():
    folder = "/sys/bus/i2c/drivers/ina3221x/6-0040/iio:device0"
    files = {
        f"{folder}/rail_name_0": "POM_5V_IN",
        f"{folder}/in_power0_input": "2150",
        f"{folder}/rail_name_1": "POM_5V_GPU",
    }
    assert parse_rails(files) == {"POM_5V_IN": 2150.0}


def test_energy_goes_in_straight_lines_between_samples():
    assert energy_mj([(0.0, 1000.0), (1.0, 3000.0), (2.0, 3000.0)], 0.0, 2.0) == 5000.0
    assert energy_mj([(5.0, 1000.0)], 0.0, 1.0) is None


def test_a_coral_tells_its_port_speed_and_clock(tmp_path):
    found = identity(coral(tmp_path), "coral_usb")
    assert {key: found.facts[key] for key in ("edgetpu", "usb_speed", "edgetpu_clock")} == {
        "edgetpu": "usb 2-1",
        "usb_speed": "5000 Mbit/s",
        "edgetpu_clock": "std",
    }


def test_an_accelerator_before_its_firmware_is_the_same_device(tmp_path):
    made = linux(tmp_path)
    made.usb(product="089a")
    assert recognize(look(made, identity_questions()))[0] == "coral_usb"


def test_a_dev_board_tells_the_temperature_of_its_edge_tpu(tmp_path):
    assert sensors(dev_board(tmp_path), "coral_dev_board").temperatures_c["edgetpu apex_0"] == 55.3


def test_a_linux_board_tells_model_system_and_temperature(tmp_path):
    made = linux(tmp_path)
    found = identity(made, "generic_linux")
    assert (found.model, found.system) == ("Raspberry Pi 5 Model B Rev 1.0", "Debian GNU/Linux 12 (bookworm)")
    assert sensors(made, "generic_linux").temperatures_c == {"cpu-thermal (thermal_zone0)": 48.2}


def test_an_answer_that_is_cut_short_is_none():
    whole = "\x1eask run uname -m\naarch64\n\n\x1eend 0\n"
    assert parse_answers(whole).said("uname -m") == "aarch64"
    for length in range(len(whole)):
        assert parse_answers(whole[:length]).given == {}


def test_a_device_that_does_not_answer_all_is_an_error(tmp_path):
    made = linux(tmp_path)
    made.program("tr", "kill -9 $PPID")
    with pytest.raises(DeviceError, match="answered 0 of 2 questions; first missing: text /proc/cpuinfo"):
        look(made, ["text /proc/cpuinfo", "run uname -m"])


@pytest.mark.parametrize("text", ["", "python3: not found", "[]", '{"python": 1}', "{" * 5000, '{"python": "3.9"'])
def test_what_is_no_answer_of_the_probe_is_none(text):
    assert python_facts(Answer(text, 0)) is None


def test_the_probe_runs_on_this_python():
    facts = python_facts(look(LocalTransport("here"), [f"python {sys.executable}"]).given[f"python {sys.executable}"])
    assert facts["bits"] == 64
    assert "numpy" in facts["modules"]


def test_another_power_mode_than_the_inventorys_is_refused_with_its_cure(tmp_path):
    with pytest.raises(
        FindingError, match=r"it is in the power mode 15W, and the inventory requires MAXN_SUPER"
    ) as found:
        standing_before(jetson(tmp_path), entry("jetson", power_mode="MAXN_SUPER"))
    assert "sudo nvpmodel -m 2" in str(found.value)


@pytest.mark.parametrize("mode", ["15W", "15w", "0"])
def test_the_power_mode_of_the_inventory_is_a_name_or_a_number(tmp_path, mode):
    assert standing_before(jetson(tmp_path), entry("jetson", power_mode=mode)).sensors.power_mw == 5000


def test_a_power_mode_that_the_board_has_not_is_refused_with_those_it_has(tmp_path):
    with pytest.raises(FindingError, match="requires the power mode MAXN, and the device has 15W, 7W, MAXN_SUPER"):
        standing_before(jetson(tmp_path), entry("jetson", power_mode="MAXN"))


def test_a_power_mode_for_a_device_without_any_is_refused(tmp_path):
    with pytest.raises(FindingError, match="the device has no power modes"):
        standing_before(linux(tmp_path), entry("generic_linux", power_mode="MAXN"))


def test_what_the_device_said_before_and_after_is_in_the_record(tmp_path):
    made = jetson(tmp_path)
    before = standing_before(made, entry("jetson"))
    lines = [(float(at), (made.programs / "tegrastats.txt").read_text()) for at in range(3)]
    found = with_standing(MEASURED, before, sensors_after(made, before), lines)
    assert found.validity == "VALID"
    assert found.device["identity"]["model"] == "NVIDIA Jetson Orin Nano Developer Kit"
    assert found.standing_before["power_mode"] == found.standing_after["power_mode"] == "15W"
    assert found.energy == Energy("tegrastats", energy_mj=9346.0, mean_power_mw=4673.0, energy_per_sample_mj=93.46)


def test_a_phone_that_was_throttled_makes_the_run_invalid(tmp_path):
    made = pixel(tmp_path)
    before = standing_before(made, entry("pixel"))
    made.thermal(3)
    found = with_standing(MEASURED, before, sensors_after(made, before))
    assert found.validity == "INVALID because throttling: Android's thermal status is 3 (severe)"


def test_a_clock_or_power_mode_that_changed_is_told(tmp_path):
    made = jetson(tmp_path)
    before = sensors(made, "jetson")
    made.clocks(scaling_max_freq=1036800)
    made.says("nvpmodel", "NV Power Mode: 7W\n1\n")
    assert changes(before, sensors(made, "jetson")) == [
        "throttling: the highest clock of policy0 fell from 1728000 to 1036800 kHz",
        "power mode: it changed from 15W to 7W during the measurement",
    ]


def test_tegrastats_beside_a_run_is_watched_and_ends_with_it(tmp_path):
    made = jetson(tmp_path)
    line = (made.programs / "tegrastats.txt").read_text()
    (made.programs / "line").write_text(line)
    made.program(
        "tegrastats",
        f"trap 'echo gone >{tmp_path}/gone; exit' TERM\nwhile :; do cat {made.programs}/line; sleep 0.02; done",
    )
    with watching(made, kind_called("jetson").watch) as lines:
        wait_until(lambda: len(lines) >= 5)
    found = tegrastats_summary(lines)
    assert (found["samples"] >= 5, round(found["mean_power_mw"])) == (True, 4673)
    assert found["temperatures_max_c"]["gpu"] == 55.468
    assert (tmp_path / "gone").read_text() == "gone\n"


def test_nothing_is_watched_where_the_program_is_missing(tmp_path):
    made = jetson(tmp_path)
    (made.programs / "tegrastats").unlink()
    with watching(made, kind_called("jetson").watch) as lines:
        pass
    assert tegrastats_summary(lines) == {"samples": 0}


def test_this_machine_is_shown():
    facts = facts_of(shown(Device(HOST, HOST)))
    assert facts["device"] == "host (host)"
    assert "ai-edge-litert" in facts["runtimes"]


@pytest.mark.parametrize(("wanted", "words"), [(None, []), ("little", ["taskset", "f"]), ("0xF0", ["taskset", "F0"])])
def test_cores_are_named_as_a_cluster_or_a_mask(tmp_path, wanted, words):
    assert affinity_words(wanted, sensors(pixel(tmp_path), "pixel").clusters) == words


@pytest.mark.parametrize("wanted", ["mid", "0", "", "-p", "f;ls", "1" * 17])
def test_cores_that_are_neither_are_refused(tmp_path, wanted):
    text = "expected a mask such as f0, or a cluster; the device has little, big, policy0, policy8"
    with pytest.raises(InputError, match=text):
        affinity_words(wanted, sensors(pixel(tmp_path), "pixel").clusters)


def test_what_the_thermal_hal_writes_beside_a_run_is_summed_up():
    texts = ["VIRTUAL-SKIN:42.4 raw data: skin:42400", "VIRTUAL-SKIN:41.0 raw data: skin:41000", "nothing"]
    lines = [(0.0, f"04-17 01:11:46.678  1819  1826 I pixel-thermal: {text}") for text in texts]
    assert thermal_summary(lines) == {"samples": 2, "temperatures_max_c": {"VIRTUAL-SKIN": 42.4}}
    assert thermal_summary([]) == {"samples": 0}


@pytest.mark.data
def test_the_recorded_lines_of_a_pixels_thermal_hal_are_summed_up(shared_data):
    text = (shared_data / "device_samples/android/pixel_thermal_logcat_real.txt").read_text()
    found = thermal_summary([(0.0, line) for line in text.splitlines()])
    assert found["samples"] == 1
    assert all(20 < value < 120 for value in found["temperatures_max_c"].values())
