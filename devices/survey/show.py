"""Recognizing and identifying a device of the inventory by its own answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from detlite.devices.inventory import HOST, Device
from detlite.devices.kind import Identity, identity_questions, kind_called, questions_of_all, recognize
from detlite.devices.survey.device_state import standing_record
from detlite.devices.survey.questions import Answers, look
from detlite.devices.transport.connect import connect

IDENTIFY_S = 30.0

Record = dict[str, Any]


@dataclass(frozen=True)
class Recognized:
    """A device that answered: its kind, the evidence for that, its `uname -m`, and its identity."""

    kind: str
    because: str
    machine: str
    identity: Identity


def recognized(answers: Answers) -> Recognized:
    """Return what a device is, from its *answers* to all kinds' questions.

    Raises:
        DeviceError: no kind recognizes it.
    """
    name, why = recognize(answers)
    return Recognized(name, why, answers.said("uname -m") or "unknown", kind_called(name).identify(answers))


def identified(device: Device) -> Recognized:
    """Ask *device* what it is.

    Raises:
        DeviceError: it does not answer, or no kind recognizes it.
    """
    with connect(device) as transport:
        return recognized(look(transport, identity_questions(), timeout_s=IDENTIFY_S))


def shown(device: Device) -> Record:
    """Return all that is known about *device*: identity, runtimes, state, cautions.

    Raises:
        DeviceError: it does not answer, or no kind recognizes it.
    """
    with connect(device) as transport:
        answers = look(transport, questions_of_all())
    found = recognized(answers)
    kind = kind_called(found.kind if device.kind == HOST else device.kind)
    return {
        "name": device.name,
        "kind": device.kind,
        "emulated": bool(device.mark),
        "mark": device.mark,
        "recognized": found.kind,
        "because": found.because,
        "machine": found.machine,
        "identity": asdict(kind.identify(answers)),
        "runtimes": list(kind.runtimes),
        "delegates": list(kind.delegates),
        "formats": list(kind.formats),
        "standing": standing_record(kind.sensors(answers)),
        "cautions": list(kind.cautions),
    }


def facts_of(record: Mapping[str, Any]) -> dict[str, str]:
    """Return the *record* of `shown` as lines for people, by name."""
    identity, standing = record["identity"], record["standing"]
    word = f"{record['mark']} ".lstrip()
    facts = {
        "device": f"{word}{record['name']} ({record['kind']})",
        "recognized": f"as {record['recognized']}: {record['because']}",
        "model": ", ".join(dict.fromkeys((identity["model"], identity["chip"], record["machine"]))),
        "system": identity["system"],
        **identity["facts"],
        "runtimes": ", ".join(record["runtimes"]),
        "delegates": ", ".join(record["delegates"]),
        "formats": " ".join(record["formats"]),
    }
    for name, value in standing.get("temperatures_c", {}).items():
        facts[f"temperature {name}"] = f"{value:g} degrees"
    for one in standing.get("clusters", ()):
        clocks = f"{one['now_khz']} kHz, {one['min_khz']} to {one['max_khz']} of {one['hardware_max_khz']} kHz"
        facts[f"clock {one['name']}"] = f"{clocks}, governor {one['governor']}"
    for name in ("thermal_status", "power_mode", "power_mw", "screen_on"):
        facts |= {name: str(standing[name])} if name in standing else {}
    if "battery" in standing:
        facts["battery"] = ", ".join(f"{key} {value}" for key, value in standing["battery"].items() if value)
    notes = (*identity["problems"], *standing.get("problems", ()), *record["cautions"])
    return facts | {f"note {number}": text for number, text in enumerate(notes, 1)}
