"""What a Jetson says of itself, read: release, power mode, clocks, tegrastats."""

from datetime import datetime

import pytest
from builders.device_texts import CLOCKS, JETSON_RELEASE, RELEASE, TEGRASTATS

from detlite.devices.parsers import jetson_clocks, jetson_release, nv_tegra_release, nvpmodel, tegrastats
from detlite.runtime.errors import InputError

HEAD = "RAM 1/2MB (lfb 1x1MB) CPU [1%@729,off] "


def sample(rest: str) -> tegrastats.Sample:
    return tegrastats.parse(f"{HEAD}{rest}\n")[0]


@pytest.mark.parametrize(("major", "jetpack"), [(32, 4), (34, 5), (35, 5), (36, 6), (38, 7), (39, 7)])
def test_the_release_of_l4t_says_which_jetpack_it_is(major, jetpack):
    (release,) = nv_tegra_release.parse(RELEASE.replace("R36", f"R{major}"))
    assert (release.l4t, release.jetpack) == (f"{major}.4.3", jetpack)


def test_a_release_that_nobody_knows_is_of_no_jetpack():
    (release,) = nv_tegra_release.parse(RELEASE.replace("R36", "R77"))
    assert (release.jetpack, release.problems) == (None, ("unknown which JetPack has L4T 77",))


def test_jetson_stats_say_model_part_and_tensorrt():
    (board,) = jetson_release.parse(JETSON_RELEASE)
    assert (board.model, board.jetpack, board.l4t) == ("NVIDIA Jetson Orin Nano Developer Kit", "6.2", "36.4.3")
    assert (board.part_number, board.tensorrt, board.power_mode) == ("p3767-0005", "10.3.0.30", "15W")


@pytest.mark.parametrize(
    ("text", "mode"),
    [
        ("NV Power Mode: MAXN\n0\n", ("MAXN", 0)),
        ("NVPM WARN: fan mode is not set!\nNV Power Mode: MODE_15W_6CORE\n5\n", ("MODE_15W_6CORE", 5)),
        ("NV Fan Mode:quiet\nNV Power Mode:\t25W\r\n1\r\n", ("25W", 1)),
    ],
)
def test_the_power_mode_has_a_name_and_a_number(text, mode):
    (found,) = nvpmodel.parse(text)
    assert ((found.name, found.number), found.problems) == (mode, ())


def test_what_nvpmodel_complains_of_is_told():
    with pytest.raises(InputError, match="it says: Error opening"):
        nvpmodel.parse("NVPM ERROR: Error opening /var/lib/nvpmodel/status: 13\n")


def test_a_clock_is_held_when_its_least_is_its_most():
    held = {clock.name: clock.is_held for clock in jetson_clocks.parse(CLOCKS)}
    assert held == {"cpu0": True, "cpu5": False, "GPU": True, "EMC": False}


def test_clocks_of_cores_are_in_kilohertz_and_others_in_hertz():
    clocks = {clock.name: clock.now_hz for clock in jetson_clocks.parse(CLOCKS)}
    assert (clocks["cpu0"], clocks["GPU"]) == (1_510_400_000, 624_750_000)


def test_a_core_that_is_off_is_told():
    assert [clock.is_online for clock in jetson_clocks.parse(CLOCKS)] == [True, False, None, None]


def test_tegrastats_has_a_date_where_it_writes_one():
    assert [one.at for one in tegrastats.parse(TEGRASTATS)] == [datetime(2026, 11, 21, 12), None]


def test_cores_that_are_off_have_no_load():
    assert [core.percent for core in tegrastats.parse(TEGRASTATS)[0].cores] == [12, 3, None, None, 5, 100]


def test_a_core_that_cannot_be_read_is_not_off():
    found = tegrastats.parse("RAM 1/2MB (lfb 1x1MB) CPU [1%@729,o?f] GR3D_FREQ 0% cpu@40C\n")[0]
    assert found.problems == ("1 core is unreadable",)


@pytest.mark.parametrize(
    ("text", "percent", "clocks"),
    [
        ("GR3D_FREQ 0%", 0, ()),
        ("GR3D_FREQ 10%@1300", 10, (1300,)),
        ("GR3D_FREQ 12%@[1300,1301]", 12, (1300, 1301)),
        ("GR3D_FREQ 99%@[1000,1001,1002]", 99, (1000, 1001, 1002)),
        ("GR3D_FREQ 5%@0 GR3D2_FREQ 7%@0", 5, (0,)),
    ],
)
def test_the_clocks_of_the_gpu_are_written_in_four_ways(text, percent, clocks):
    found = sample(text)
    assert (found.gpu_percent, found.gpu_mhz) == (percent, clocks)


@pytest.mark.parametrize(
    ("text", "temperatures"),
    [
        ("CPU@41.437C Tboard@29C", {"CPU": 41.437, "Tboard": 29}),
        ("cpu@52.968C/60.5C", {"cpu": 52.968}),
        ("CV0@-256C tj@41.5C", {"tj": 41.5}),
        ("PMIC@100C thermal@23C", {"thermal": 23}),
    ],
)
def test_sensors_are_read_and_those_that_are_off_or_none_left_out(text, temperatures):
    assert sample(text).temperatures_c == temperatures


@pytest.mark.parametrize(
    ("text", "power_mw"),
    [
        ("VDD_IN 4673mW/4600mW VDD_SOC 1339mW/1300mW", 4673),
        ("POM_5V_IN 933/900 POM_5V_GPU 10/20 POM_5V_CPU 84/105", 933),
        ("VDD_GPU_SOC 2000mW/1mW VDD_CPU_CV 300mW/1mW VIN_SYS_5V0 4000mW/1mW NC 0mW/0mW VDDQ_VDD2_1V8AO 9mW/9mW", 6300),
        ("VDD_GPU_SOC 20mW/1mW/30mW VDD_CPU_CV 3mW/1mW/9mW VIN_SYS_5V0 4mW/1mW/5mW", 27),
        ("GPU 100/1 CPU 20/1 SOC 3/1 CV 0/0 VDDRQ 4/1 SYS5V 5/1", 132),
        ("VDD_GPU_SOC 2000mW/1mW VDD_CPU_CV 300mW/1mW", None),
        ("VDD_CPU 153/153", None),
    ],
)
def test_the_power_of_the_module_is_its_input_or_the_rails_that_make_it_up(text, power_mw):
    assert sample(text).power_mw == power_mw
