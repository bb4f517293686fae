"""What a simulated device is made of: files, and small programs that say what a real one would."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from detlite.runtime.errors import unknown_name
from detlite.runtime.plugins import load_plugin, plugin_names

MODELS = "detlite.devices.simulated.models"
PYTHON = 'exec "$PYTHON" "$@"\n'
"""A device's `python3`: the one that runs detlite, so that the board's program has an interpreter."""


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong with a device.

    Attributes:
        title: what, for people.
        files: the device's files that are others then; None for one that is not there.
        programs: its programs that are others then.
        vanishes: whether it is lost in the middle of its first job, for some seconds.
    """

    title: str
    files: Mapping[str, str | None] = field(default_factory=dict)
    programs: Mapping[str, str] = field(default_factory=dict)
    vanishes: bool = False


@dataclass(frozen=True)
class Simulator:
    """One device that can be simulated.

    Attributes:
        title: what it imitates.
        kind: which of detlite's device kinds it is recognized as.
        files: texts by absolute path.
        programs: shell programs by name; they stand before those of this machine.
        settings: of its table in the inventory, besides its kind.
        faults: what can be wrong with it, besides `FAULTS`.
    """

    title: str
    kind: str
    files: Mapping[str, str]
    programs: Mapping[str, str]
    settings: Mapping[str, str] = field(default_factory=dict)
    faults: Mapping[str, Fault] = field(default_factory=dict)

    def all_faults(self) -> dict[str, Fault]:
        """Return what can be wrong with it, by name."""
        return {**FAULTS, **self.faults}

    def with_faults(self, names: Sequence[str]) -> tuple[Fault, ...]:
        """Return the faults that are called *names*.

        Raises:
            UnknownNameError: it has no such fault.
        """
        known = self.all_faults()
        for name in names:
            if name not in known:
                raise unknown_name(f"fault of {self.title}", name, known)
        return tuple(known[name] for name in names)


def simulator_names() -> tuple[str, ...]:
    """Return what can be simulated."""
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
    """Return a shell program that writes *text*, whatever it is asked."""
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
    "vanishes": Fault("it is lost in the middle of its first job, and is back some seconds later", vanishes=True),
}
"""What can be wrong with every device."""
