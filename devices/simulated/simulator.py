"""What a simulated device consists of: files, and small programs that print what a real one would."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from detlite.runtime.errors import unknown_name
from detlite.runtime.plugins import load_plugin, plugin_names

MODELS = "detlite.devices.simulated.models"
PYTHON = 'exec "$PYTHON" "$@"\n'
"""A device's `python3`: the Python that runs detlite, so that the board's program has an interpreter."""


@dataclass(frozen=True)
class Fault:
    """One fault of a device.

    Attributes:
        title: a short description for people.
        files: the files that differ; None for one that is missing.
        programs: the programs that differ.
        vanishes: whether it is lost for some seconds during its first job.
    """

    title: str
    files: Mapping[str, str | None] = field(default_factory=dict)
    programs: Mapping[str, str] = field(default_factory=dict)
    vanishes: bool = False


@dataclass(frozen=True)
class Simulator:
    """One device that can be simulated.

    Attributes:
        title: the device that it imitates.
        kind: the kind that it is recognized as.
        files: texts by absolute path.
        programs: shell programs by name, which take precedence over this machine's.
        settings: of its inventory table, besides its kind.
        faults: its own faults, besides `FAULTS`.
    """

    title: str
    kind: str
    files: Mapping[str, str]
    programs: Mapping[str, str]
    settings: Mapping[str, str] = field(default_factory=dict)
    faults: Mapping[str, Fault] = field(default_factory=dict)

    def all_faults(self) -> dict[str, Fault]:
        """Return its possible faults by name."""
        return {**FAULTS, **self.faults}

    def with_faults(self, names: Sequence[str]) -> tuple[Fault, ...]:
        """Return the faults *names*.

        Raises:
            UnknownNameError: it has no such fault.
        """
        known = self.all_faults()
        for name in names:
            if name not in known:
                raise unknown_name(f"fault of {self.title}", name, known)
        return tuple(known[name] for name in names)


def simulator_names() -> tuple[str, ...]:
    """Return the names of the devices that can be simulated."""
    return plugin_names(MODELS)


def simulator_called(name: str) -> Simulator:
    """Return the simulator *name*.

    Raises:
        UnknownNameError: there is none.
    """
    if name not in simulator_names():
        raise unknown_name("simulated device", name, simulator_names())
    found: Simulator = load_plugin(MODELS, name)
    return found


def says(text: str) -> str:
    """Return a shell program that prints *text*, whatever its arguments."""
    return f"cat <<'END'\n{text}END\n"


FAULTS = {
    "disk-full": Fault(
        "it has 512 KiB free",
        programs={
            "df": says(
                "Filesystem     1024-blocks      Used Available Capacity Mounted on\n"
                "/dev/mmcblk0p1    30436052  30435540       512     100% /\n"
            )
        },
    ),
    "vanishes": Fault("it is lost during its first job, and comes back some seconds later", vanishes=True),
}
"""Faults that every device can have."""
