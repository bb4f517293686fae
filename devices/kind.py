"""What a kind of device is: how it is recognized and identified, what runs models on it, which sensors it has."""

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
    """Which device it is.

    Attributes:
        model: as its maker calls it.
        chip: the system on a chip, or the processor.
        system: what runs on it, with its version.
        facts: more of it, by name; nothing that tells one device from another of its model.
        problems: what it did not say.
    """

    model: str
    chip: str
    system: str
    facts: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class Sensors:
    """How a device stands; None, or nothing, where it has no such sensor.

    Attributes:
        temperatures_c: by sensor.
        clusters: of the processor, with their clocks.
        thermal_status: Android's, 0 (none) to 6 (shutdown).
        power_modes: of a Jetson.
        power_mw: what the module draws as a whole.
        rails_mw: what each of its rails does.
        battery: of a phone.
        screen_on: of a phone.
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
    """A program that prints a sample a line while a model runs.

    Attributes:
        arguments: the program, and how it is asked.
        summarize: what its lines say of the time in which they came; they come with the seconds of their arrival.
    """

    arguments: tuple[str, ...]
    summarize: Callable[[Lines], Mapping[str, Any]]


@dataclass(frozen=True)
class Kind:
    """One kind of device.

    Attributes:
        title: what it is, for people.
        rank: of the kinds that recognize a device, the lowest is right: a Jetson is a Linux machine too.
        runtimes: the packages and programs that run models on it, best first.
        delegates: what takes a model's operators there, besides the processor's own kernels.
        formats: suffixes of the model files that it runs.
        questions: what tells which device it is.
        sensor_questions: what tells how it stands.
        recognize: what shows that a device is of this kind; None where nothing does.
        identify: which device it is.
        sensors: how it stands.
        hold_clocks: the line that makes its clocks steady, or what to do where nothing does.
        cautions: what its user must know of every measurement on it, one sentence each.
        watch: what is sampled beside a run; None where nothing is.
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
        UnknownNameError: there is none.
    """
    found: Kind = load_plugin(KINDS, name)
    return found


def all_kinds() -> dict[str, Kind]:
    """Return the kinds by name."""
    return load_plugins(KINDS)


def identity_questions() -> tuple[str, ...]:
    """Return what a device is asked to find out which kind it is of, and which device it is."""
    return tuple(dict.fromkeys(one for kind in all_kinds().values() for one in kind.questions))


def questions_of_all() -> tuple[str, ...]:
    """Return what a device is asked to find out also how it stands, of whichever kind it is."""
    sensors = (one for kind in all_kinds().values() for one in kind.sensor_questions)
    return tuple(dict.fromkeys((*identity_questions(), *sensors)))


def recognize(answers: Answers) -> tuple[str, str]:
    """Return the name of the kind that the device is of, and what shows it; *answers* are to `identity_questions`.

    Raises:
        DeviceError: no kind knows it.
    """
    kinds = all_kinds()
    for name in sorted(kinds, key=lambda name: (kinds[name].rank, name)):
        why = kinds[name].recognize(answers)
        if why is not None:
            return name, why
    raise DeviceError("the device is neither Linux nor Android: `uname -m` says nothing there")
