"""A Pixel 8 with Android 15: cool, unplugged, its screen on."""

from __future__ import annotations

from detlite.devices.simulated.simulator import Fault, Simulator, says

CPU = "/sys/devices/system/cpu/cpufreq"
PROPERTIES = {
    "ro.build.fingerprint": "google/shiba/shiba:15/AP4A.simulated/0:user/release-keys",
    "ro.build.version.release": "15",
    "ro.build.version.sdk": "35",
    "ro.board.platform": "zuma",
    "ro.product.cpu.abi": "arm64-v8a",
    "ro.product.device": "shiba",
    "ro.product.model": "Pixel 8",
    "ro.serialno": "SIMULATED",
    "ro.soc.manufacturer": "Google",
    "ro.soc.model": "Tensor G3",
}
CLUSTERS = ((0, "0 1 2 3", 1704000), (4, "4 5 6 7", 2367000), (8, "8", 2914000))
GETPROP = says("".join(f"[{name}]: [{value}]\n" for name, value in PROPERTIES.items()))


def _clocks(share: float) -> dict[str, str]:
    """Return the files of the three clusters, whose clocks are limited to *share* of their maximum."""
    files: dict[str, str] = {}
    for policy, cores, most_khz in CLUSTERS:
        values = {
            "scaling_governor": "sched_pixel",
            "scaling_min_freq": 324000,
            "scaling_max_freq": int(share * most_khz),
            "scaling_cur_freq": 324000,
            "cpuinfo_max_freq": most_khz,
            "related_cpus": cores,
        }
        files |= {f"{CPU}/policy{policy}/{name}": f"{value}\n" for name, value in values.items()}
    return files


def _dumpsys(*, status: int = 0, heat_c: float = 31.0, charging: bool = False) -> str:
    thermal = (
        f"IsStatusOverride: false\nThermal Status: {status}\nCached temperatures:\nHAL Ready: true\nHAL connection:\n"
        "\tThermal HAL AIDL 1 connected: yes\nCurrent temperatures from HAL:\n"
        f"\tTemperature{{mValue={heat_c}, mType=3, mName=VIRTUAL-SKIN, mStatus={status}}}\n"
        f"\tTemperature{{mValue={heat_c + 6}, mType=0, mName=BIG, mStatus=0}}\n"
        f"\tTemperature{{mValue={heat_c + 4}, mType=10, mName=TPU, mStatus=0}}\n"
        "\tTemperature{mValue=11900.0, mType=7, mName=ocp_gpu, mStatus=0}\n"
        "Current cooling devices from HAL:\n"
    )
    battery = (
        f"Current Battery Service state:\n  AC powered: false\n  USB powered: {str(charging).lower()}\n"
        f"  status: {2 if charging else 3}\n  health: 2\n  present: true\n  level: 88\n  scale: 100\n"
        "  voltage: 4190\n  temperature: 287\n  technology: Li-ion\n"
    )
    return f"case $1 in\nthermalservice)\n{says(thermal)};;\nbattery)\n{says(battery)};;\n*)\necho true ;;\nesac\n"


PLUGIN = Simulator(
    title="a Pixel 8",
    kind="pixel",
    files={
        "/proc/loadavg": "2.10 2.12 2.09 1/4120 4711\n",
        "/sys/devices/system/cpu/online": "0-8\n",
        **_clocks(1.0),
    },
    programs={
        "getprop": f'case $1 in\n"")\n{GETPROP};;\n*)\necho ;;\nesac\n',
        "dumpsys": _dumpsys(),
    },
    faults={
        "throttling": Fault(
            "its thermal status is severe, and its clocks are limited",
            files=_clocks(0.5),
            programs={"dumpsys": _dumpsys(status=3, heat_c=46.5)},
        ),
        "charging": Fault("it is charging", programs={"dumpsys": _dumpsys(charging=True)}),
    },
)
