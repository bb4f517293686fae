"""The state of a machine, read from files as boards have them."""

import json

import pytest

from detlite.runtime.errors import InputError
from detlite.runtime.measure.machine import machine_facts
from detlite.runtime.measure.state import StateLog, cautions, energy_mj, read_sittings, read_state, throttling


@pytest.fixture
def board(tmp_path):
    """Files of a board: path, text."""

    def write(**files):
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path

    policy = "sys/devices/system/cpu/cpufreq/policy0/"
    rail = "sys/class/hwmon/hwmon3/"
    return write(
        **{
            "proc/device-tree/model": "NVIDIA Jetson Orin Nano\0",
            "proc/cpuinfo": "processor : 0\nmodel name : ARMv8 Processor rev 1\n",
            "proc/meminfo": "MemTotal:        7620000 kB\n",
            "etc/nv_tegra_release": "# R36 (release), REVISION: 4.3, GCID: 1\n",
            f"{policy}scaling_cur_freq": "1510400\n",
            f"{policy}scaling_max_freq": "1510400\n",
            f"{policy}scaling_governor": "ondemand\n",
            "sys/class/thermal/thermal_zone0/type": "cpu-thermal\n",
            "sys/class/thermal/thermal_zone0/temp": "48531\n",
            "sys/class/thermal/thermal_zone1/type": "cv0-thermal\n",
            "sys/class/thermal/thermal_zone1/temp": "-256000\n",
            "sys/class/apex/apex_0/temp": "51300\n",
            f"{rail}name": "ina3221\n",
            f"{rail}in1_label": "VDD_IN\n",
            f"{rail}in1_input": "5000\n",
            f"{rail}curr1_input": "900\n",
            f"{rail}in2_label": "VDD_CPU_GPU_CV\n",
            f"{rail}in2_input": "5000\n",
            f"{rail}curr2_input": "100\n",
            "var/lib/nvpmodel/status": "pmode:0001",
        }
    )


def test_what_a_board_says_of_itself_is_read(board):
    state = read_state(board)
    assert state["clocks_khz"] == {"policy0": {"cur": 1510400, "max": 1510400}}
    assert state["governors"] == ["ondemand"]
    assert state["temperatures_c"] == {"thermal_zone0 cpu-thermal": 48.531, "edgetpu apex_0": 51.3}
    assert state["power_mw"] == {"VDD_IN": 4500.0, "VDD_CPU_GPU_CV": 500.0}
    assert state["power_mode"] == "pmode:0001"


def test_a_machine_that_says_nothing_has_a_load_alone(tmp_path):
    assert set(read_state(tmp_path)) <= {"at_s", "load"}


def test_a_board_is_known_by_what_it_is(board):
    facts = machine_facts(board)
    assert (facts["board"], facts["memory_gib"]) == ("NVIDIA Jetson Orin Nano", 7.3)
    assert facts["release"] == "# R36 (release), REVISION: 4.3, GCID: 1"
    (board / "proc/device-tree/model").write_text("NVIDIA Jetson AGX Orin\0")
    assert machine_facts(board)["fingerprint"] != facts["fingerprint"]


def test_the_state_is_written_before_during_and_after(board, tmp_path):
    with StateLog(tmp_path / "state.jsonl", root=board, every_s=0.01) as log:
        while len(log.states) < 3:
            pass
    lines = (tmp_path / "state.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == log.states


def test_energy_is_that_of_the_rail_that_is_the_total():
    states = [{"at_s": t, "power_mw": {"VDD_IN": 4000.0, "VDD_CPU": 500.0}} for t in (0.0, 1.0, 2.0)]
    assert energy_mj([states]) == {"source": "sensors", "energy_mj": 8000.0, "mean_power_mw": 4000.0}


def test_energy_is_what_a_counter_counted():
    states = [{"at_s": t, "energy_uj": {"intel-rapl:0": e, "intel-rapl:0:0": 1}} for t, e in ((0, 5), (2, 3_000_005))]
    assert energy_mj([states]) == {"source": "powercap", "energy_mj": 3000.0, "mean_power_mw": 1500.0}


def test_energy_is_what_the_battery_gave_while_it_was_discharged():
    states = [{"at_s": t, "battery": {"status": "Discharging", "power_mw": -2500.0}} for t in (0.0, 4.0)]
    assert energy_mj([states])["energy_mj"] == 10_000
    states[1]["battery"]["status"] = "Charging"
    assert energy_mj([states]) is None


def test_without_a_source_there_is_no_energy():
    assert energy_mj([[{"at_s": 0.0}, {"at_s": 1.0}]]) is None


def test_a_kernel_that_counts_throttling_is_believed():
    states = [{"throttled": {"cpu0": n}} for n in (4, 6)]
    assert throttling([states]) == ["throttling: the kernel reports it for cpu0 (4 before, 6 after)"]


def test_a_highest_clock_that_falls_is_throttling():
    states = [{"clocks_khz": {"policy0": {"max": clock}}} for clock in (1_800_000, 1_200_000)]
    assert throttling([states]) == ["throttling: the highest clock of policy0 fell from 1800000 to 1200000 kHz"]


def test_a_power_mode_that_changes_is_told():
    assert "power mode: it changed" in throttling([[{"power_mode": "0"}, {"power_mode": "1"}]])[0]


def test_nothing_is_said_of_a_steady_device():
    steady = {"clocks_khz": {"policy0": {"max": 1}}, "throttled": {"cpu0": 3, "firmware": 0x50000}, "load": 0.0}
    assert throttling([[steady, steady]]) == []
    assert cautions(steady) == []


def test_a_governor_that_varies_and_a_charger_are_cautions():
    found = cautions({"governors": ["ondemand"], "battery": {"status": "Charging"}})
    assert found == [
        "the processor's governor is ondemand: its clock may vary",
        "the battery is charging: that warms the device",
    ]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"sitting": 1}', "it lacks at_s"),
        ('{"sitting": 1, "at_s": Infinity}', "it holds Infinity"),
        ('{"sitting": 1, "at_s": 1e400}', "the number 1e400 is too large"),
        ('{"sitting": "1", "at_s": 1.5}', "sitting holds '1', want a whole number"),
        ('{"sitting": 1, "at_s": 1.5, "power_mw": [3]}', "power_mw holds '.3.', want an object"),
        ('{"sitting": 1, "at_s": 1.5, "throttled": {"cpu0": "x"}}', "throttled.cpu0 holds 'x', want a whole number"),
        ('{"sitting": 1, "at_s": 1.5, "battery": {"power_mw": "x"}}', "battery.power_mw holds 'x', want a number"),
        ("[]", "the record holds '..', want an object"),
    ],
)
def test_a_damaged_state_is_refused(tmp_path, line, said):
    (tmp_path / "state.jsonl").write_text(line + "\n")
    with pytest.raises(InputError, match=f"state.jsonl is damaged: {said}.*pass --force to measure again"):
        read_sittings(tmp_path / "state.jsonl")


def test_the_states_that_were_written_are_read_back(tmp_path):
    with StateLog(tmp_path / "state.jsonl", every_s=60) as log:
        pass
    assert read_sittings(tmp_path / "state.jsonl") == [log.states]
