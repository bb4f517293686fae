"""Devices made of files and small programs: the real survey's shell runs on them, on this machine.

What they say is written here in the form that real devices have; the recordings of real ones come from shared data.
"""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from detlite.devices.inventory import Device
from detlite.devices.transport.local import LocalTransport
from detlite.runtime.errors import DetliteError

CPUFREQ = "/sys/devices/system/cpu/cpufreq"
PYTHON = {
    "python": "3.11.2",
    "bits": 64,
    "modules": ["numpy", "ai_edge_litert"],
    "versions": {"numpy": "1.26.4", "ai-edge-litert": "2.1.0"},
    "libedgetpu": {"error": "libedgetpu.so.1: cannot open shared object file"},
}
EDGETPU = {"version": "BuildLabel(COMPILER=6.3.0,DATE=redacted), RuntimeVersion(14)"}
TEGRASTATS = (
    "RAM 2272/7620MB (lfb 4x4MB) SWAP 0/3810MB (cached 0MB) CPU [0%@729,0%@729,off,off] GR3D_FREQ 0% "
    "cpu@54.937C gpu@55.468C tj@56.656C VDD_IN 4673mW/4673mW VDD_CPU_GPU_CV 527mW/527mW VDD_SOC 1339mW/1339mW\n"
)
THERMAL = (
    "IsStatusOverride: false\nThermalEventListeners:\nThermal Status: {status}\nCached temperatures:\n"
    "HAL Ready: true\nHAL connection:\nCurrent temperatures from HAL:\n"
    "\tTemperature{{mValue=34.5, mType=3, mName=VIRTUAL-SKIN, mStatus=0}}\n"
    "Current cooling devices from HAL:\n"
)
BATTERY = (
    "Current Battery Service state:\n  AC powered: false\n  USB powered: {usb}\n  Wireless powered: false\n"
    "  status: 3\n  level: {level}\n  scale: 100\n  temperature: 281\n"
)
PROPERTIES = {
    "ro.product.model": "Pixel 8",
    "ro.product.device": "shiba",
    "ro.soc.manufacturer": "Google",
    "ro.soc.model": "Tensor G3",
    "ro.build.version.release": "14",
    "ro.build.version.sdk": "34",
    "ro.product.cpu.abi": "arm64-v8a",
}
NVPMODEL = "< POWER_MODEL ID=0 NAME=15W >\nx\n< POWER_MODEL ID=1 NAME=7W >\n< POWER_MODEL ID=2 NAME=MAXN_SUPER >\n"


class ScriptedDevice:
    """A device in *folder*, as a transport; its files and programs can be changed at any time."""

    name = "scripted"

    def __init__(self, folder: Path) -> None:
        self.root, self.programs = folder / "root", folder / "programs"
        self.programs.mkdir(parents=True)
        self.root.mkdir()
        self.program("uname", "case $1 in -m) echo aarch64 ;; -r) echo 5.15.148 ;; esac")
        self.files({"/proc/loadavg": "0.10 0.20 0.30 1/200 5", "/sys/devices/system/cpu/online": "0-3"})
        self.python()

    @property
    def settings(self) -> list[str]:
        return [f"DETLITE_SIMULATED={self.root}", f"PATH={self.programs}:{os.environ['PATH']}"]

    def command(self, arguments: Sequence[str]) -> list[str]:
        return ["env", *self.settings, *arguments]

    def explain(self, said: str) -> DetliteError:
        return LocalTransport(self.name).explain(said)

    def put(self, files: Mapping[str, Path], folder: str, *, timeout_s: float) -> None:
        LocalTransport(self.name).put(files, folder, timeout_s=timeout_s)

    def close(self) -> None:
        pass

    def program(self, name: str, body: str) -> None:
        path = self.programs / name
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)

    def says(self, name: str, text: str) -> None:
        """The program *name* writes *text*, whatever it is asked."""
        (self.programs / f"{name}.txt").write_text(text)
        self.program(name, f"cat {shlex.quote(str(self.programs / name))}.txt")

    def files(self, texts: dict[str, str]) -> None:
        for path, text in texts.items():
            place = self.root / path.lstrip("/")
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text)

    def python(self, **changes: object) -> None:
        self.says("python3", json.dumps({**PYTHON, **changes}) + "\n")

    def clocks(self, policy: str = "policy0", **values: object) -> None:
        known = {"scaling_governor": "performance", "scaling_max_freq": 1728000, "cpuinfo_max_freq": 1728000}
        known |= {"related_cpus": "0 1 2 3", "scaling_cur_freq": 1728000, "scaling_min_freq": 729600, **values}
        self.files({f"{CPUFREQ}/{policy}/{name}": f"{value}\n" for name, value in known.items()})

    def usb(self, *, product: str = "9302", speed: int = 5000, mode: int | None = 0o666) -> None:
        """An Edge TPU on USB; without *mode* there is no file for it in /dev."""
        vendor = "18d1" if product == "9302" else "1a6e"
        known = {"idVendor": vendor, "idProduct": product, "speed": speed, "busnum": 2, "devnum": 3}
        self.files({f"/sys/bus/usb/devices/2-1/{name}": f"{value}\n" for name, value in known.items()})
        if mode is not None:
            self.files({"/dev/bus/usb/002/003": ""})

    def thermal(self, status: int = 0) -> None:
        (self.programs / "thermal.txt").write_text(THERMAL.format(status=status))

    def battery(self, *, level: int = 80, usb: bool = False) -> None:
        (self.programs / "battery.txt").write_text(BATTERY.format(level=level, usb=str(usb).lower()))


def linux(folder: Path) -> ScriptedDevice:
    """A Raspberry Pi 5."""
    made = ScriptedDevice(folder)
    made.clocks()
    made.files(
        {
            "/proc/device-tree/model": "Raspberry Pi 5 Model B Rev 1.0\0",
            "/proc/cpuinfo": "processor\t: 0\nModel\t\t: Raspberry Pi 5 Model B Rev 1.0\n",
            "/etc/os-release": 'NAME="Debian"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n',
            "/sys/class/thermal/thermal_zone0/type": "cpu-thermal\n",
            "/sys/class/thermal/thermal_zone0/temp": "48200\n",
        }
    )
    return made


def jetson(folder: Path) -> ScriptedDevice:
    """A Jetson Orin Nano at 15 W."""
    made = linux(folder)
    made.files(
        {
            "/proc/device-tree/model": "NVIDIA Jetson Orin Nano Developer Kit\0",
            "/proc/device-tree/compatible": "nvidia,p3768-0000+p3767-0005\0nvidia,tegra234\0",
            "/etc/nv_tegra_release": "# R36 (release), REVISION: 4.3, GCID: 38968081, BOARD: generic, EABI: aarch64\n",
            "/etc/nvpmodel.conf": NVPMODEL,
            "/sys/bus/i2c/drivers/ina3221/1-0040/hwmon/hwmon3/in1_label": "VDD_IN\n",
            "/sys/bus/i2c/drivers/ina3221/1-0040/hwmon/hwmon3/in1_input": "5000\n",
            "/sys/bus/i2c/drivers/ina3221/1-0040/hwmon/hwmon3/curr1_input": "1000\n",
        }
    )
    made.says("nvpmodel", "NV Power Mode: 15W\n0\n")
    made.says("tegrastats", TEGRASTATS)
    made.says("dpkg-query", "10.3.0.30-1+cuda12.5\n")
    made.says("test", "")
    return made


def coral(folder: Path) -> ScriptedDevice:
    """A Raspberry Pi 5 with a Coral USB Accelerator."""
    made = linux(folder)
    made.usb()
    made.says("dpkg-query", "libedgetpu1-std=16.0tf2.17.1-1.bookworm\n")
    made.python(libedgetpu=EDGETPU)
    return made


def dev_board(folder: Path) -> ScriptedDevice:
    """A Coral Dev Board."""
    made = coral(folder)
    made.files(
        {
            "/proc/device-tree/model": "Freescale i.MX8MQ Phanbell\0",
            "/dev/apex_0": "",
            "/sys/class/apex/apex_0/temp": "55300\n",
        }
    )
    (made.root / "sys/bus/usb/devices/2-1/idVendor").unlink()
    return made


def pixel(folder: Path) -> ScriptedDevice:
    """A Pixel 8."""
    made = ScriptedDevice(folder)
    made.says("getprop", "".join(f"[{name}]: [{value}]\n" for name, value in PROPERTIES.items()))
    cases = {"thermalservice": "thermal", "battery": "battery"}
    lines = [f"{word}) cat {shlex.quote(str(made.programs / name))}.txt ;;" for word, name in cases.items()]
    made.program("dumpsys", "case $1 in\n" + "\n".join(lines) + "\ndeviceidle) echo true ;;\nesac")
    made.thermal()
    made.battery()
    made.clocks("policy0", related_cpus="0 1 2 3", scaling_governor="sched_pixel")
    made.clocks(
        "policy8", related_cpus="8", scaling_governor="sched_pixel", scaling_max_freq=2914000, cpuinfo_max_freq=2914000
    )
    return made


MAKERS = {"generic_linux": linux, "jetson": jetson, "coral_usb": coral, "coral_dev_board": dev_board, "pixel": pixel}


def entry(kind: str, **changes: Any) -> Device:
    """What an inventory says of a scripted device."""
    way = {"serial": "3A2B"} if kind == "pixel" else {"address": "board.lan"}
    return Device(kind, kind, work="/var", **{**way, **changes})


def fake_ssh(folder: Path, made: ScriptedDevice) -> Path:
    """A folder for the path, with a program `ssh` that runs on *made* what it is asked to."""
    folder.mkdir()
    settings = shlex.join(made.settings)
    (folder / "ssh").write_text(f'#!/bin/sh\nfor word; do :; done\nexec env {settings} sh -c "$word"\n')
    (folder / "ssh").chmod(0o755)
    return folder
