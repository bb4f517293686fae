"""Google's Coral USB Accelerator, on any Linux host."""

from __future__ import annotations

from dataclasses import replace

from detlite.devices.kind import Identity, Kind, Sensors
from detlite.devices.kinds.generic_linux import PLUGIN as LINUX
from detlite.devices.survey.edgetpu import (
    APEX,
    PACKAGES,
    apex_temperatures_c,
    clock_of,
    edgetpus,
)
from detlite.devices.survey.edgetpu import QUESTIONS as EDGETPU
from detlite.devices.survey.linux import identify_linux, sense_linux
from detlite.devices.survey.questions import Answers

FIRST_INFERENCE = "the first inference uploads the weights: it is reported separately"


def _recognize(answers: Answers) -> str | None:
    found = [one for one in edgetpus(answers) if one.bus == "usb"]
    return f"an Edge TPU at usb {found[0].place}" if found else None


def identify_coral(answers: Answers) -> Identity:
    """Return what the host is, and its Edge TPUs: bus, port speed, and the runtime's clock."""
    identity = identify_linux(answers)
    found = edgetpus(answers)
    facts = {"edgetpu": ", ".join(f"{one.bus} {one.place}" for one in found) or "none found"}
    speeds = [f"{one.speed_mbits:g} Mbit/s" for one in found if one.speed_mbits]
    facts |= {"usb_speed": ", ".join(speeds)} if speeds else {}
    clock = clock_of(answers.said(PACKAGES))
    facts |= {"edgetpu_clock": clock} if clock else {}
    problems = () if clock else ("unknown whether the runtime is std or max clock: no Debian package says",)
    return replace(identity, facts={**identity.facts, **facts}, problems=problems)


def sense_coral(answers: Answers) -> Sensors:
    """Return the host's sensors, and the temperature of Edge TPUs on PCIe."""
    sensors = sense_linux(answers)
    return replace(sensors, temperatures_c={**sensors.temperatures_c, **apex_temperatures_c(answers)})


PLUGIN: Kind = replace(
    LINUX,
    title="a Coral USB Accelerator",
    rank=30,
    runtimes=("ai-edge-litert", "tflite-runtime"),
    delegates=("edgetpu", "XNNPACK"),
    formats=(".tflite",),
    questions=(*LINUX.questions, *EDGETPU),
    sensor_questions=(*LINUX.sensor_questions, f"file {APEX}"),
    recognize=_recognize,
    identify=identify_coral,
    sensors=sense_coral,
    cautions=(
        FIRST_INFERENCE,
        "it has no temperature sensor on USB; the max-clock runtime makes it hot",
    ),
)
