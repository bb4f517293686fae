"""What a Jetson draws in all is not the sum of its rails: one of them may be the total, or feed another."""

import pytest

from detlite.runtime.measure.rails import total_mw
from detlite.runtime.measure.state import energy_mj


@pytest.mark.parametrize(
    ("rails", "total"),
    [
        ({"VDD_IN": 4673.0, "VDD_CPU_GPU_CV": 527.0, "VDD_SOC": 1339.0}, 4673.0),
        ({"POM_5V_IN": 933.0, "POM_5V_GPU": 0.0, "POM_5V_CPU": 84.0}, 933.0),
        ({"VDD_GPU_SOC": 3193.0, "VDD_CPU_CV": 399.0, "VIN_SYS_5V0": 4306.0, "VDDQ_VDD2_1V8AO": 700.0}, 7898.0),
        ({"VDD_GPU_SOC": 3193.0}, None),
        ({}, None),
    ],
)
def test_the_total_is_the_input_rail_or_those_that_make_it_up(rails, total):
    assert total_mw(rails) == total


def test_an_agx_orins_energy_is_that_of_all_three_rails():
    rails = {"VDD_GPU_SOC": 3000.0, "VDD_CPU_CV": 1000.0, "VIN_SYS_5V0": 4000.0}
    states = [{"at_s": at, "power_mw": rails} for at in (0.0, 2.0)]
    assert energy_mj([states]) == {"source": "sensors", "energy_mj": 16000.0, "mean_power_mw": 8000.0}
