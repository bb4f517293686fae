"""A Jetson Orin Nano with JetPack 6, in 15 W mode with fixed clocks."""

from __future__ import annotations

from detlite.devices.simulated.simulator import Fault, Simulator, says

CPU = "/sys/devices/system/cpu/cpufreq"
RAIL = "/sys/bus/i2c/drivers/ina3221/1-0040/hwmon/hwmon1"
MODES = {"15W": 0, "25W": 1, "MAXN_SUPER": 2, "7W": 3}
MODE = "15W"


def _nvpmodel(mode: str) -> str:
    return says(f"NV Power Mode: {mode}\n{MODES[mode]}\n")


def _clocks(*, most_khz: int, governor: str) -> dict[str, str]:
    files: dict[str, str] = {}
    for policy, cores in ((0, "0 1 2 3"), (4, "4 5")):
        values = {
            "scaling_governor": governor,
            "scaling_driver": "tegra194",
            "scaling_min_freq": 729600,
            "scaling_max_freq": most_khz,
            "scaling_cur_freq": most_khz,
            "cpuinfo_max_freq": 1510400,
            "related_cpus": cores,
        }
        files |= {f"{CPU}/policy{policy}/{name}": f"{value}\n" for name, value in values.items()}
    return files


def _tegrastats(heat_c: float) -> str:
    """Return a program that prints a line every half second, like `tegrastats --interval 500`."""
    line = (
        "RAM 2210/7620MB (lfb 5x4MB) SWAP 0/3810MB (cached 0MB) "
        "CPU [4%@1510,2%@1510,0%@1510,1%@1510,0%@1510,0%@1510] GR3D_FREQ 0%@[624] "
        f"cpu@{heat_c}C soc2@{heat_c - 1}C gpu@{heat_c - 0.5}C tj@{heat_c}C "
        "VDD_IN 4750mW/4750mW VDD_CPU_GPU_CV 610mW/610mW VDD_SOC 1390mW/1390mW"
    )
    return f'while :; do echo "$(date "+%m-%d-%Y %H:%M:%S") {line}"; sleep 0.5; done\n'


TRTEXEC = """
save= times= queries=10 seconds=3
for word; do
  case $word in
  --saveEngine=*) save=${word#*=} ;;
  --exportTimes=*) times=${word#*=} ;;
  --iterations=*) queries=${word#*=} ;;
  --duration=*) seconds=${word#*=} ;;
  esac
done
banner="TensorRT.trtexec [TensorRT v100300] # trtexec $*"
echo "&&&& RUNNING $banner"
echo "[11/20/2026-12:00:00] [I] Selected Device: Orin (simulated)"
echo "[11/20/2026-12:00:00] [I] Compute Capability: 8.7"
[ -z "$save" ] || { echo "an engine that nobody built: simulated" >"$save" && \
  echo "[11/20/2026-12:00:01] [I] Engine built in 0.5 sec."; } || exit 1
[ -z "$times" ] || awk -v count="$queries" -v seconds="$seconds" 'BEGIN {
  if (count < 250 * seconds) count = 250 * seconds
  for (i = 0; i < count; i++) {
    compute = 4 + i % 10 / 20
    printf "%s { \\"h2dMs\\" : 0.25, \\"computeMs\\" : %g, ", i ? "," : "[", compute
    printf "\\"d2hMs\\" : 0.125, \\"latencyMs\\" : %g }\\n", compute + 0.375
  }
  print "]"
}' >"$times" || exit 1
echo "&&&& PASSED $banner"
"""
"""Takes trtexec's arguments; the engine that it writes is a placeholder, and its times are invented."""


PLUGIN = Simulator(
    title="a Jetson Orin Nano",
    kind="jetson",
    files={
        "/etc/nv_tegra_release": ("# R36 (release), REVISION: 4.3, GCID: 0, BOARD: generic, EABI: aarch64\n"),
        "/etc/nvpmodel.conf": "".join(f"< POWER_MODEL ID={number} NAME={name} >\n" for name, number in MODES.items()),
        "/etc/os-release": 'PRETTY_NAME="Ubuntu 22.04.5 LTS"\n',
        "/proc/device-tree/model": "NVIDIA Jetson Orin Nano Developer Kit\0",
        "/proc/device-tree/compatible": "nvidia,p3768-0000+p3767-0005\0nvidia,p3767-0005\0nvidia,tegra234\0",
        "/proc/cpuinfo": "processor\t: 0\nCPU part\t: 0xd42\n",
        "/proc/loadavg": "0.10 0.12 0.09 1/412 4711\n",
        "/sys/devices/system/cpu/online": "0-5\n",
        "/sys/class/thermal/thermal_zone0/type": "cpu-thermal\n",
        "/sys/class/thermal/thermal_zone0/temp": "48000\n",
        f"{RAIL}/in1_label": "VDD_IN\n",
        f"{RAIL}/in1_input": "5000\n",
        f"{RAIL}/curr1_input": "950\n",
        **_clocks(most_khz=1510400, governor="performance"),
    },
    programs={
        "nvpmodel": _nvpmodel(MODE),
        "tegrastats": _tegrastats(48.0),
        "trtexec": TRTEXEC,
        "dpkg-query": says("10.3.0.30-1+cuda12.5\n"),
        "test": 'case $2 in */trtexec) exit 0 ;; esac\nexec /usr/bin/test "$@"\n',
    },
    settings={"power_mode": MODE},
    faults={
        "power-mode": Fault(
            "it is in the mode 7W, and the inventory requires 15W", programs={"nvpmodel": _nvpmodel("7W")}
        ),
        "throttling": Fault(
            "it is hot, and its clocks are limited",
            files=_clocks(most_khz=729600, governor="schedutil"),
            programs={"tegrastats": _tegrastats(97.5)},
        ),
    },
)
