"""Kinds of devices: how one is recognized and identified, what runs models on it, which sensors it has."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from detlite.devices.inventory import KINDS
from detlite.devices.parsers.battery import Battery
from detlite.devices.survey.cpu import Cluster
from detlite.devices.survey.power_mode import PowerModes
from detlite.devices.survey.questions import Answers
from detlite.runtime.errors import DeviceError
from detlite.runtime.plugins import load_plugin, load_plugins

Lines = Sequence[tuple[float, str]]


@dataclass(frozen=True)
class Identity:
    """What a device is.

    Attributes:
        model: the maker's name for it.
        chip: the system on a chip, or the processor.
        system: its operating system and version.
        facts: further facts by name; nothing that tells two devices of one model apart.
        problems: what could not be found out.
    """

    model: str
    chip: str
    system: str
    facts: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class Sensors:
    """The state of a device; None or empty if it has no such sensor.

    Attributes:
        temperatures_c: by sensor.
        clusters: the processor's core clusters with their clocks.
        thermal_status: Android's, 0 (none) to 6 (shutdown).
        power_modes: of a Jetson.
        power_mw: power of the whole module, in mW.
        rails_mw: power of each rail, in mW.
        battery: a phone's.
        screen_on: a phone's.
        problems: what could not be read, and why.
    """

    temperatures_c: Mapping[str, float] = field(default_factory=dict)
    clusters: tuple[Cluster, ...] = ()
    thermal_status: int | None = None
    power_modes: PowerModes | None = None
    power_mw: float | None = None
    rails_mw: Mapping[str, float] = field(default_factory=dict)
    battery: Battery | None = None
    screen_on: bool | None = None
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class Watch:
    """A program that prints one sample per line while a model runs.

    Attributes:
        arguments: the program and its arguments.
        summarize: makes a summary of (seconds of arrival, line) pairs.
    """

    arguments: tuple[str, ...]
    summarize: Callable[[Lines], Mapping[str, Any]]


@dataclass(frozen=True)
class Kind:
    """One kind of device.

    Attributes:
        title: a short description for people.
        rank: if several kinds recognize a device, the lowest rank wins: a Jetson is a Linux machine too.
        runtimes: packages and programs that run models on it, best first.
        delegates: what can take a model's operators, besides the CPU kernels.
        formats: suffixes of the model files that it runs.
        questions: asked to find out which device it is.
        sensor_questions: asked to find out its state.
        recognize: returns the evidence that a device is of this kind; None if there is none.
        identify: returns which device it is.
        sensors: returns its state.
        hold_clocks: the command that keeps its clocks steady, or advice if there is none.
        cautions: what to know about every measurement on it, one sentence each.
        watch: a program that samples the device during a run, or None.
    """

    title: str
    rank: int
    runtimes: tuple[str, ...]
    delegates: tuple[str, ...]
    formats: tuple[str, ...]
    questions: tuple[str, ...]
    sensor_questions: tuple[str, ...]
    recognize: Callable[[Answers], str | None]
    identify: Callable[[Answers], Identity]
    sensors: Callable[[Answers], Sensors]
    hold_clocks: str
    cautions: tuple[str, ...] = ()
    watch: Watch | None = None


def kind_called(name: str) -> Kind:
    """Return the kind *name*.

    Raises:
        UnknownNameError: there is no such kind.
    """
    found: Kind = load_plugin(KINDS, name)
    return found


def all_kinds() -> dict[str, Kind]:
    """Return the kinds by name."""
    return load_plugins(KINDS)


def identity_questions() -> tuple[str, ...]:
    """Return the questions that recognize and identify a device of any kind."""
    return tuple(dict.fromkeys(one for kind in all_kinds().values() for one in kind.questions))


def questions_of_all() -> tuple[str, ...]:
    """Return the questions that also ask for the state of a device of any kind."""
    sensors = (one for kind in all_kinds().values() for one in kind.sensor_questions)
    return tuple(dict.fromkeys((*identity_questions(), *sensors)))


def recognize(answers: Answers) -> tuple[str, str]:
    """Return the name of the device's kind and the evidence for it; *answers* are those to `identity_questions`.

    Raises:
        DeviceError: no kind recognizes it.
    """
    kinds = all_kinds()
    for name in sorted(kinds, key=lambda name: (kinds[name].rank, name)):
        why = kinds[name].recognize(answers)
        if why is not None:
            return name, why
    raise DeviceError("the device is neither Linux nor Android: `uname -m` prints nothing")
