"""What a phone says of itself, read: properties, heat, battery."""

import pytest
from builders.device_texts import BATTERY, GETPROP, PIXEL_THERMAL, THERMAL

from detlite.devices.parsers import battery, getprop, pixel_thermal, thermalservice
from detlite.runtime.errors import InputError


def test_properties_are_read_by_name():
    (phone,) = getprop.parse(GETPROP)
    assert (phone.values["ro.build.version.sdk"], phone.first("ro.soc.none", "ro.soc.model")) == ("35", "Tensor G3")


def test_a_property_may_have_several_lines():
    (phone,) = getprop.parse("[ro.a]: [one\ntwo]\n[ro.b]: []\n")
    assert (phone.values, phone.problems) == ({"ro.a": "one\ntwo", "ro.b": ""}, ())


def test_only_what_the_hal_says_now_is_a_temperature():
    (thermal,) = thermalservice.parse(THERMAL)
    assert {reading.name: reading.value_c for reading in thermal.readings} == {
        "BIG": 51.5,  # 99 in the cache; ocp_cpu1 is a limit in mA
        "VIRTUAL-SKIN": 39.25,
        "TPU": 40.5,
    }


def test_a_phone_with_a_thermal_status_is_throttling():
    (thermal,) = thermalservice.parse(THERMAL)
    assert (thermal.status, thermal.is_throttling) == (1, True)


def test_a_sensor_over_its_threshold_is_throttling_before_the_system_says_so():
    (thermal,) = thermalservice.parse(THERMAL.replace("Thermal Status: 1", "Thermal Status: 0"))
    assert (thermal.status, thermal.is_throttling) == (0, True)


def test_a_status_that_was_set_by_hand_is_told():
    (thermal,) = thermalservice.parse(THERMAL.replace("IsStatusOverride: false", "IsStatusOverride: true"))
    assert thermal.is_overridden


def test_a_hal_that_is_not_ready_says_no_temperature_and_not_zero():
    (thermal,) = thermalservice.parse("IsStatusOverride: false\nThermal Status: 0\nHAL Ready: false\n")
    assert (thermal.readings, thermal.problems) == ((), ("the HAL is not ready: it reports no temperatures",))


def test_a_sensor_that_cannot_be_read_is_a_problem():
    (thermal,) = thermalservice.parse(THERMAL.replace("mName=VIRTUAL", "mNam"))
    assert thermal.problems == ("1 of the HAL's temperatures are unreadable",)


def test_a_status_that_android_does_not_have_is_none():
    (thermal,) = thermalservice.parse(THERMAL.replace("Thermal Status: 1", "Thermal Status: 7"))
    assert thermal.problems == ("the thermal status is missing",)


def test_the_battery_has_tenths_of_a_degree():
    (found,) = battery.parse(BATTERY)
    assert (found.level_percent, found.status, found.temperature_c, found.voltage_mv) == (87, "charging", 30.5, 4210)


def test_what_powers_the_phone_is_named():
    (found,) = battery.parse(BATTERY)
    assert found.powered_by == ("USB",)


def test_a_battery_that_was_set_by_hand_is_a_problem():
    (found,) = battery.parse(f"(UPDATES STOPPED -- use 'reset' to restart)\n{BATTERY}")
    assert found.problems == ("its values were set by hand: `dumpsys battery reset` undoes that",)


def test_a_level_over_its_scale_is_none():
    (found,) = battery.parse(BATTERY.replace("level: 87", "level: 870"))
    assert (found.level_percent, found.problems) == (None, ("missing: level",))


def test_the_thermal_hal_in_logcat_has_thousandths():
    (line,) = pixel_thermal.parse(PIXEL_THERMAL)
    assert (line.sensor, line.value_c, line.parts_c["battery"]) == ("VIRTUAL-SKIN", 43.5, 41.25)


@pytest.mark.parametrize("parser", [battery, getprop, pixel_thermal, thermalservice])
def test_a_program_that_is_not_there_is_one_clear_error(parser):
    with pytest.raises(InputError, match="expected "):
        parser.parse("sh: dumpsys: inaccessible or not found\n")
