"""The state of a device around a measurement: asked before and after, and put into the result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, TypeVar

from detlite.devices.benchmark_result import BenchmarkResult
from detlite.devices.inventory import Device
from detlite.devices.kind import Identity, Kind, Lines, Sensors, kind_called
from detlite.devices.survey.device_state import cautions_of, changes, standing_record
from detlite.devices.survey.power_mode_check import power_mode_problem
from detlite.devices.survey.questions import look
from detlite.devices.transport.transport import Transport
from detlite.runtime.errors import FindingError
from detlite.runtime.measure.results import Energy, Measurement

STANDING_S = 60.0

Measured = TypeVar("Measured", Measurement, BenchmarkResult)


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


def with_standing(found: Measured, before: Standing, after: Sensors | None, lines: Lines = ()) -> Measured:
    """Return *found* with the device's state, and what that means for the figures.

    *after* is None if the device was lost; *lines* are what was sampled during the run.
    """
    watched = before.kind.watch.summarize(lines) if before.kind.watch and lines else {}
    reasons = _reasons(found.reasons, changes(before.sensors, after or before.sensors))
    cautions = (*found.cautions, *cautions_of(before.sensors), *before.kind.cautions)
    energy = found.energy or _energy(found.samples, found.duration_s, before.kind, watched)
    return replace(
        found,
        reasons=reasons,
        cautions=tuple(dict.fromkeys(cautions)),
        energy=energy,
        device={**found.device, "identity": asdict(before.identity)},
        standing_before=standing_record(before.sensors),
        standing_after=None if after is None else standing_record(after),
        watched=dict(watched) or None,
    )


def _reasons(known: Sequence[str], changed: Sequence[str]) -> tuple[str, ...]:
    """Return the *known* reasons, and those that the device's state adds on topics that none of them is about."""
    topics = {reason.partition(":")[0] for reason in known}
    return (*known, *(reason for reason in changed if reason.partition(":")[0] not in topics))


def _energy(samples: int, duration_s: float, kind: Kind, watched: Mapping[str, Any]) -> Energy | None:
    """Return the energy from the mean power sampled during the run, over the samples' time; None without samples."""
    power = watched.get("mean_power_mw")
    if power is None or kind.watch is None or not samples:
        return None
    energy = power * duration_s
    return Energy(kind.watch.arguments[0], energy, power, energy / samples)
