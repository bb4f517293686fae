"""Google's Pixel phones, and other Android devices, over adb."""

from __future__ import annotations

from typing import Any

from detlite.devices.kind import Identity, Kind, Lines, Sensors, Watch
from detlite.devices.log_lines import whole
from detlite.devices.parsers import battery, getprop, pixel_thermal, thermalservice
from detlite.devices.survey.cpu import QUESTIONS as CLOCKS
from detlite.devices.survey.cpu import clusters
from detlite.devices.survey.questions import Answers
from detlite.runtime.errors import InputError

PROPERTIES, THERMAL, BATTERY = "run getprop", "run dumpsys thermalservice", "run dumpsys battery"
SCREEN = "dumpsys deviceidle get screen"
FACTS = {
    "codename": "ro.product.device",
    "build": "ro.build.fingerprint",
    "sdk": "ro.build.version.sdk",
    "abi": "ro.product.cpu.abi",
    "platform": "ro.board.platform",
}


NNAPI_DEPRECATED_SDK = 35
"""Android 15: from there on NNAPI is deprecated."""


def properties(answers: Answers) -> getprop.Properties | None:
    """Return Android's properties; None where it is no Android."""
    try:
        return getprop.parse(answers.given[PROPERTIES].text)[0]
    except InputError:
        return None


def _recognize(answers: Answers) -> str | None:
    known = properties(answers)
    model = known.first("ro.product.model") if known else None
    return f"its properties say {model}" if model else None


def identify_android(answers: Answers) -> Identity:
    """Return what Android's properties say, and the clusters of its processor."""
    known = properties(answers)
    if known is None:
        return Identity("unknown", "unknown", "unknown", problems=("getprop says nothing: is it Android?",))
    facts = {key: value for key, name in FACTS.items() if (value := known.first(name))}
    parts = [f"{one.name}: cores {','.join(map(str, one.cores))} (taskset {one.mask})" for one in clusters(answers)]
    chip = (known.first("ro.soc.manufacturer"), known.first("ro.soc.model", "ro.board.platform"))
    return Identity(
        model=known.first("ro.product.model") or "unknown",
        chip=" ".join(filter(None, chip)) or "unknown",
        system=f"Android {known.first('ro.build.version.release') or 'of an unknown version'}",
        facts={**facts, **({"clusters": "; ".join(parts)} if parts else {})},
        problems=known.problems,
    )


def sense_android(answers: Answers) -> Sensors:
    """Return the thermal service's and the battery's word, the clocks, and whether the screen is on."""
    thermal, problems = _thermal(answers)
    charge, more = _battery(answers)
    readings = () if thermal is None else thermal.readings
    return Sensors(
        temperatures_c={f"{reading.name} ({reading.kind})": reading.value_c for reading in readings},
        clusters=clusters(answers),
        thermal_status=None if thermal is None else thermal.status,
        battery=charge,
        screen_on={"true": True, "false": False}.get(answers.said(SCREEN) or ""),
        problems=(*problems, *more),
    )


def nnapi_caution(identity: Identity) -> str | None:
    """Return what to know of NNAPI on the phone; None where its Android is older."""
    sdk = whole(identity.facts.get("sdk", ""))
    if sdk is None or sdk < NNAPI_DEPRECATED_SDK:
        return None
    return f"NNAPI is deprecated from Android 15 (SDK {NNAPI_DEPRECATED_SDK}) on, and this is SDK {sdk}"


def _thermal(answers: Answers) -> tuple[thermalservice.Thermal | None, tuple[str, ...]]:
    try:
        (found,) = thermalservice.parse(answers.given[THERMAL].text)
    except InputError as error:
        return None, (str(error),)
    return found, found.problems


def _battery(answers: Answers) -> tuple[battery.Battery | None, tuple[str, ...]]:
    try:
        (found,) = battery.parse(answers.given[BATTERY].text)
    except InputError as error:
        return None, (str(error),)
    return found, found.problems


def thermal_summary(lines: Lines) -> dict[str, Any]:
    """Return the highest temperature of each sensor that the thermal HAL wrote of: it does while it throttles."""
    text = "".join(f"{line}\n" for _at, line in lines)
    try:
        found = pixel_thermal.parse(text)
    except InputError:
        return {"samples": 0}
    highest: dict[str, float] = {}
    for one in found:
        highest[one.sensor] = max(one.value_c, highest.get(one.sensor, one.value_c))
    return {"samples": len(found), "temperatures_max_c": highest}


PLUGIN = Kind(
    title="a Pixel phone",
    rank=5,
    runtimes=("benchmark_model", "ai-edge-litert"),
    delegates=("XNNPACK", "GPU", "NNAPI", "Tensor TPU (compiled ahead of time)"),
    formats=(".tflite",),
    questions=("run uname -m", PROPERTIES, *CLOCKS),
    sensor_questions=(THERMAL, BATTERY, f"run {SCREEN}", *CLOCKS),
    recognize=_recognize,
    identify=identify_android,
    sensors=sense_android,
    hold_clocks="without root they cannot be set: measure for long enough (--min-seconds 60), and when it is cool",
    cautions=("a program of the adb shell is not scheduled as an app in the foreground is",),
    watch=Watch(("logcat", "-v", "threadtime", "-T", "1", "-s", "pixel-thermal"), thermal_summary),
)
