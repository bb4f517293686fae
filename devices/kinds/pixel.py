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
"""Android 15, which deprecated NNAPI."""


def properties(answers: Answers) -> getprop.Properties | None:
    """Return Android's properties; None if it is not Android."""
    try:
        return getprop.parse(answers.given[PROPERTIES].text)[0]
    except InputError:
        return None


def _recognize(answers: Answers) -> str | None:
    known = properties(answers)
    model = known.first("ro.product.model") if known else None
    return f"its properties say {model}" if model else None


def identify_android(answers: Answers) -> Identity:
    """Return what Android's properties say, and the processor's clusters."""
    known = properties(answers)
    if known is None:
        return Identity("unknown", "unknown", "unknown", problems=("getprop prints nothing: is it Android?",))
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
    """Return what the thermal and battery services report, the clocks, and whether the screen is on."""
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
    """Return a caution about NNAPI; None if the phone's Android is older."""
    sdk = whole(identity.facts.get("sdk", ""))
    if sdk is None or sdk < NNAPI_DEPRECATED_SDK:
        return None
    return f"NNAPI is deprecated since Android 15 (SDK {NNAPI_DEPRECATED_SDK}); this phone has SDK {sdk}"


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
    """Return the highest temperature of each sensor in the thermal HAL's log, which it writes while throttling."""
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
    hold_clocks="they cannot be set without root: measure for long enough (--min-seconds 60), starting cool",
    cautions=("a program in the adb shell is not scheduled like a foreground app",),
    watch=Watch(("logcat", "-v", "threadtime", "-T", "1", "-s", "pixel-thermal"), thermal_summary),
)
