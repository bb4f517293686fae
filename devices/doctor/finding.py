"""What a check is, what it looks at, and what it finds."""

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
    """One thing that is not as it should be.

    Attributes:
        level: `spoils` where a measurement would fail or be wrong; `caution` where its reader must know.
        text: what was found, in values.
        cure: the line that puts it right, or what to do.
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
class Model:
    """A model file that is to run on a device.

    Attributes:
        path: of the file.
        size_bytes: how long it is.
        edgetpu_runtime: the oldest Edge TPU runtime that takes it; None where it is not compiled for the Edge TPU.
    """

    path: Path
    size_bytes: int
    edgetpu_runtime: int | None = None


@dataclass(frozen=True)
class Subject:
    """What a check looks at.

    Attributes:
        device: as the inventory has it.
        kind_name: what the device is recognized as.
        kind: the kind that it is taken for: the inventory's; of this machine, what it is recognized as.
        answers: what it said.
        identity: which it is.
        sensors: how it stands.
        python: what its Python has, as `probe.py` says; None where there is no Python that runs.
        skew_s: how far its wall clock is ahead of this machine's.
        model: what is to run on it; None where nothing is named.
    """

    device: Device
    kind_name: str
    kind: Kind
    answers: Answers
    identity: Identity
    sensors: Sensors
    python: dict[str, Any] | None
    skew_s: float | None
    model: Model | None = None

    @property
    def has_edgetpu(self) -> bool:
        """Whether its kind has an Edge TPU."""
        return "edgetpu" in self.kind.delegates

    @property
    def is_android(self) -> bool:
        """Whether it runs Android."""
        return ADB_KIND in (self.kind_name, self.device.kind)

    def has_module(self, name: str) -> bool:
        """Return whether its Python finds the module *name*."""
        return self.python is not None and name in self.python["modules"]

    def version(self, package: str) -> str | None:
        """Return the version of *package* that its Python has."""
        version: str | None = None if self.python is None else self.python["versions"].get(package)
        return version


@dataclass(frozen=True)
class Check:
    """One check.

    Attributes:
        title: what is checked, for people.
        find: yields what is not as it should be.
        questions: what the device is asked for it, besides what tells what it is and how it stands; `{work}` stands
            for its work folder and `{python}` for its interpreter.
    """

    title: str
    find: Callable[[Subject], Iterator[Finding]]
    questions: tuple[str, ...] = ()
