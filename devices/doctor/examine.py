"""Examining a device: the questions of all checks in one call, then each check."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, replace

from detlite.devices.doctor.finding import SPOILS, Check, CheckedModel, Finding, Subject
from detlite.devices.inventory import HOST, Device
from detlite.devices.kind import kind_called, questions_of_all, recognize
from detlite.devices.log_lines import whole
from detlite.devices.survey.questions import Answers, look, python_facts
from detlite.devices.transport.transport import Transport
from detlite.runtime.plugins import load_plugins

CHECKS = "detlite.devices.doctor.checks"
DATE = "run date +%s"


@dataclass(frozen=True)
class Diagnosis:
    """Findings by the name of their check, in order of the names; those that spoil a measurement come first."""

    subject: Subject
    findings: tuple[tuple[str, Finding], ...]

    @property
    def spoiled(self) -> int:
        """How many findings would spoil a measurement."""
        return sum(finding.level == SPOILS for _name, finding in self.findings)


def all_checks() -> dict[str, Check]:
    """Return the checks by name."""
    return load_plugins(CHECKS)


def examine(transport: Transport, device: Device, model: CheckedModel | None = None) -> Diagnosis:
    """Return the findings on *device*, for *model* if given.

    Raises:
        DeviceError: it was lost, or did not answer every question.
    """
    if device.name == HOST and device.kind == HOST:
        device = replace(device, python=sys.executable)
    begin = time.time()
    answers = look(transport, questions_for(device))
    middle = (begin + time.time()) / 2
    return diagnose(subject_of(device, answers, now_s=middle, model=model))


def subject_of(device: Device, answers: Answers, *, now_s: float, model: CheckedModel | None = None) -> Subject:
    """Return what the checks examine; *now_s* is this machine's time when the device told its own."""
    name, _why = recognize(answers)
    kind = kind_called(name if device.kind == HOST else device.kind)
    clock = whole(answers.said(DATE.removeprefix("run ")) or "")
    return Subject(
        device=device,
        kind_name=name,
        kind=kind,
        answers=answers,
        identity=kind.identify(answers),
        sensors=kind.sensors(answers),
        python=python_facts(answers.given[f"python {device.python}"]),
        skew_s=None if clock is None else clock - now_s,
        model=model,
    )


def diagnose(subject: Subject) -> Diagnosis:
    """Return the findings of all checks on *subject*."""
    found = [(name, finding) for name, check in all_checks().items() for finding in check.find(subject)]
    return Diagnosis(subject, tuple(sorted(found, key=lambda pair: pair[1].level != SPOILS)))


def questions_for(device: Device) -> tuple[str, ...]:
    """Return all questions for *device*."""
    asked = (one for check in all_checks().values() for one in check.questions)
    own = (one.replace("{work}", device.folder).replace("{python}", device.python) for one in asked)
    return (*questions_of_all(), DATE, *own)
