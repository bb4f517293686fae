"""Checks of `detlite doctor`: what one is, what it examines, and what it finds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from detlite.devices.inventory import ADB_KIND, Device
from detlite.devices.kind import Identity, Kind, Sensors
from detlite.devices.survey.questions import Answers

SPOILS, CAUTION = "spoils", "caution"


@dataclass(frozen=True)
class Finding:
    """One problem that a check found.

    Attributes:
        level: `spoils` if a measurement would fail or be wrong; `caution` if its reader must know.
        text: what was found, with values.
        cure: the command that fixes it, or what to do.
    """

    level: str
    text: str
    cure: str


def spoils(text: str, cure: str) -> Finding:
    """Return a finding that would spoil a measurement."""
    return Finding(SPOILS, text, cure)


def caution(text: str, cure: str) -> Finding:
    """Return a finding that a reader of the measurement must know."""
    return Finding(CAUTION, text, cure)


@dataclass(frozen=True)
class CheckedModel:
    """A model file to run on a device.

    Attributes:
        path: the file.
        size_bytes: its size.
        edgetpu_runtime: the oldest Edge TPU runtime that runs it; None if it is not compiled for the Edge TPU.
    """

    path: Path
    size_bytes: int
    edgetpu_runtime: int | None = None


@dataclass(frozen=True)
class Subject:
    """What a check examines.

    Attributes:
        device: the inventory's entry.
        kind_name: the kind that the device was recognized as.
        kind: the kind that it is treated as: the inventory's, or for this machine the recognized one.
        answers: its answers.
        identity: what it is.
        sensors: its state.
        python: what `probe.py` found in its Python; None if no Python runs.
        skew_s: how far its wall clock is ahead of this machine's, in seconds.
        model: the model to run on it, or None.
    """

    device: Device
    kind_name: str
    kind: Kind
    answers: Answers
    identity: Identity
    sensors: Sensors
    python: dict[str, Any] | None
    skew_s: float | None
    model: CheckedModel | None = None

    @property
    def has_edgetpu(self) -> bool:
        """Whether its kind has an Edge TPU."""
        return "edgetpu" in self.kind.delegates

    @property
    def is_android(self) -> bool:
        """Whether it runs Android."""
        return ADB_KIND in (self.kind_name, self.device.kind)

    def has_module(self, name: str) -> bool:
        """Return whether its Python has the module *name*."""
        return self.python is not None and name in self.python["modules"]

    def version(self, package: str) -> str | None:
        """Return the version of *package* in its Python."""
        version: str | None = None if self.python is None else self.python["versions"].get(package)
        return version


@dataclass(frozen=True)
class Check:
    """One check.

    Attributes:
        title: what is checked, for people.
        find: yields the problems.
        questions: asked for this check, besides those about identity and state; `{work}` is replaced
            by the work folder and `{python}` by the interpreter.
    """

    title: str
    find: Callable[[Subject], Iterator[Finding]]
    questions: tuple[str, ...] = ()
