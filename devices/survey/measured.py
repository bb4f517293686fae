"""The state of a device around a measurement: asked before and after, and put into the record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from detlite.devices.inventory import Device
from detlite.devices.kind import Identity, Kind, Lines, Sensors, kind_called
from detlite.devices.survey.device_state import cautions_of, changes, standing_record
from detlite.devices.survey.power_mode_check import power_mode_problem
from detlite.devices.survey.questions import look
from detlite.devices.transport.transport import Transport
from detlite.runtime.errors import FindingError

STANDING_S = 60.0

Record = dict[str, Any]


@dataclass(frozen=True)
class Standing:
    """A device's identity, kind and state."""

    kind: Kind
    identity: Identity
    sensors: Sensors


def standing_before(transport: Transport, device: Device) -> Standing:
    """Return the state of *device* before a run.

    Raises:
        FindingError: it is not in the power mode that the inventory requires.
        DeviceError: it was lost.
    """
    kind = kind_called(device.kind)
    answers = look(transport, (*kind.questions, *kind.sensor_questions), timeout_s=STANDING_S)
    sensors = kind.sensors(answers)
    problem = power_mode_problem(device.power_mode, sensors.power_modes)
    if problem is not None:
        text, cure = problem
        raise FindingError(f"{device.name}: {text}; nothing was measured: {cure}")
    return Standing(kind, kind.identify(answers), sensors)


def sensors_after(transport: Transport, before: Standing) -> Sensors:
    """Return the state of the device after the run.

    Raises:
        DeviceError: it was lost.
    """
    return before.kind.sensors(look(transport, before.kind.sensor_questions, timeout_s=STANDING_S))


def with_standing(record: Record, before: Standing, after: Sensors | None, lines: Lines = ()) -> Record:
    """Return the measurement's *record* with the device's state, and what that means for the figures.

    *after* is None if the device was lost; *lines* are what was sampled during the run.
    """
    watched = before.kind.watch.summarize(lines) if before.kind.watch and lines else {}
    topics = {reason.partition(":")[0] for reason in record["reasons"]}
    found = changes(before.sensors, after or before.sensors)
    reasons = [*record["reasons"], *(reason for reason in found if reason.partition(":")[0] not in topics)]
    cautions = [*record["cautions"], *cautions_of(before.sensors), *before.kind.cautions]
    return {
        **record,
        "validity": f"INVALID because {'; '.join(reasons)}" if reasons else "VALID",
        "reasons": reasons,
        "cautions": list(dict.fromkeys(cautions)),
        "energy": record["energy"] or _energy(record, before.kind, watched),
        "device": {**record["device"], "identity": asdict(before.identity)},
        "standing_before": standing_record(before.sensors),
        "standing_after": None if after is None else standing_record(after),
        "watched": dict(watched) or None,
    }


def _energy(record: Record, kind: Kind, watched: Mapping[str, Any]) -> Record | None:
    """Return the energy from the mean power sampled during the run, over the samples' time; None without samples."""
    power = watched.get("mean_power_mw")
    if power is None or kind.watch is None or not record["samples"]:
        return None
    energy, source = power * record["duration_s"], kind.watch.arguments[0]
    per_sample = energy / record["samples"]
    return {"source": source, "energy_mj": energy, "mean_power_mw": power, "energy_per_sample_mj": per_sample}
