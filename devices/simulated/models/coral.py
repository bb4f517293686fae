"""A Coral USB Accelerator on a USB 3 port of a Raspberry Pi 5, with the std-clock runtime."""

from __future__ import annotations

from detlite.devices.simulated.simulator import PYTHON, Fault, Simulator, says

CPU = "/sys/devices/system/cpu/cpufreq/policy0"
USB, NODE = "/sys/bus/usb/devices/2-1", "/dev/bus/usb/002/003"
LIBRARY = '"libedgetpu": {"version": "RuntimeVersion(14)"}'


def _python(answer: str) -> str:
    """Return a program that runs this machine's Python, with *answer* replacing what it reports about the library."""
    asked = f'"$PYTHON" "$@" | sed \'s/"libedgetpu": {{[^}}]*}}/{answer}/\''
    return f'case $1 in\n-c)\n{asked} ;;\n*)\nexec "$PYTHON" "$@" ;;\nesac\n'


PLUGIN = Simulator(
    title="a Coral USB Accelerator",
    kind="coral_usb",
    files={
        "/proc/device-tree/model": "Raspberry Pi 5 Model B Rev 1.0\0",
        "/proc/cpuinfo": "processor\t: 0\nModel\t\t: Raspberry Pi 5 Model B Rev 1.0\n",
        "/proc/loadavg": "0.05 0.07 0.06 1/180 4711\n",
        "/etc/os-release": 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n',
        "/sys/devices/system/cpu/online": "0-3\n",
        "/sys/class/thermal/thermal_zone0/type": "cpu-thermal\n",
        "/sys/class/thermal/thermal_zone0/temp": "47500\n",
        f"{CPU}/scaling_governor": "performance\n",
        f"{CPU}/scaling_min_freq": "1500000\n",
        f"{CPU}/scaling_max_freq": "2400000\n",
        f"{CPU}/scaling_cur_freq": "2400000\n",
        f"{CPU}/cpuinfo_max_freq": "2400000\n",
        f"{CPU}/related_cpus": "0 1 2 3\n",
        f"{USB}/idVendor": "18d1\n",
        f"{USB}/idProduct": "9302\n",
        f"{USB}/speed": "5000\n",
        f"{USB}/busnum": "2\n",
        f"{USB}/devnum": "3\n",
        NODE: "",
    },
    programs={
        "dpkg-query": says("libedgetpu1-std=16.0tf2.17.1-1\n"),
        "python3": _python(LIBRARY),
    },
    faults={
        "usb2": Fault("it is on a USB 2 port", files={f"{USB}/speed": "480\n"}),
        "unplugged": Fault("it is unplugged", files={f"{USB}/idVendor": None, f"{USB}/idProduct": None, NODE: None}),
        "no-library": Fault("it has no libedgetpu", programs={"python3": PYTHON, "dpkg-query": "exit 1\n"}),
    },
)
