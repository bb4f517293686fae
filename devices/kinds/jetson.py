"""NVIDIA's Jetson boards, over ssh."""

from __future__ import annotations

import re
from dataclasses import replace

from detlite.devices.kind import Identity, Kind, Sensors, Watch
from detlite.devices.kinds.generic_linux import PLUGIN as LINUX
from detlite.devices.parsers import nv_tegra_release, tegrastats
from detlite.devices.survey.ina import QUESTIONS as RAILS
from detlite.devices.survey.ina import rails_mw
from detlite.devices.survey.linux import MODEL, identify_linux, sense_linux
from detlite.devices.survey.power_mode import QUESTIONS as MODES
from detlite.devices.survey.power_mode import power_modes
from detlite.devices.survey.questions import Answers
from detlite.devices.survey.tegrastats_summary import tegrastats_summary
from detlite.runtime.errors import InputError
from detlite.runtime.measure.rails import total_mw

RELEASE, COMPATIBLE = "/etc/nv_tegra_release", "/proc/device-tree/compatible"
STATS = "timeout 1.5 tegrastats --interval 500"
TENSORRT = r"dpkg-query -W -f=${Version}\n libnvinfer-bin"
PART = re.compile(r"(?:\+|nvidia,)(p\d{4}-\d{4})(?!\+)")
"""The module's number, after the carrier board's and a plus: `nvidia,p3768-0000+p3767-0005`."""


def _recognize(answers: Answers) -> str | None:
    if answers.text(RELEASE):
        return f"it has {RELEASE}"
    model = answers.text(MODEL) or ""
    return f"its device tree says {model}" if "jetson" in model.lower() else None


def identify_jetson(answers: Answers) -> Identity:
    """Return the module, its L4T and JetPack, and TensorRT's version."""
    identity = identify_linux(answers)
    facts = dict(identity.facts)
    try:
        release = nv_tegra_release.parse(answers.text(RELEASE) or "")[0]
        facts |= {"l4t": release.l4t, "jetpack": f"{release.jetpack or 'unknown'}"}
        problems = release.problems
    except InputError as error:
        problems = (str(error),)
    part = PART.search(answers.text(COMPATIBLE) or "")
    facts |= {"part": part[1]} if part else {}
    version = answers.said(TENSORRT)
    facts |= {"tensorrt": version.split("-")[0]} if version else {}
    system = f"L4T {facts['l4t']}" if "l4t" in facts else identity.system
    return replace(identity, system=system, facts=facts, problems=problems)


def sense_jetson(answers: Answers) -> Sensors:
    """Return the power mode and tegrastats' readings; without it, the INA3221's rails and the thermal zones."""
    sensors, modes, rails = sense_linux(answers), power_modes(answers), rails_mw(answers)
    problems = [modes.problem] if modes.problem else []
    temperatures, power = sensors.temperatures_c, total_mw(rails)
    try:
        last = tegrastats.parse(answers.given[f"run {STATS}"].text)[-1]
        temperatures = last.temperatures_c or temperatures
        rails = rails or {name: rail.now_mw for name, rail in last.rails.items()}
        power = last.power_mw if power is None else power
    except InputError as error:
        problems.append(str(error))
    return replace(
        sensors,
        temperatures_c=temperatures,
        power_modes=modes,
        power_mw=power,
        rails_mw=rails,
        problems=tuple(problems),
    )


PLUGIN = Kind(
    title="a Jetson board",
    rank=10,
    runtimes=("trtexec", "onnxruntime", "ai-edge-litert"),
    delegates=("TensorRT", "XNNPACK"),
    formats=(".onnx", ".tflite"),
    questions=(*LINUX.questions, f"text {RELEASE}", f"text {COMPATIBLE}", f"run {TENSORRT}"),
    sensor_questions=(*LINUX.sensor_questions, *MODES, f"run {STATS}", *RAILS),
    recognize=_recognize,
    identify=identify_jetson,
    sensors=sense_jetson,
    hold_clocks="sudo jetson_clocks",
    cautions=("clocks follow the load: `sudo jetson_clocks` holds them at the power mode's maximum",),
    watch=Watch(("tegrastats", "--interval", "500"), tegrastats_summary),
)
