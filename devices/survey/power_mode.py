"""A Jetson's power mode: the current one, the available ones, and how to set another."""

from __future__ import annotations

import re
from dataclasses import dataclass

from detlite.devices.log_lines import whole
from detlite.devices.parsers import nvpmodel
from detlite.devices.survey.questions import Answers
from detlite.runtime.errors import InputError

COMMAND, STATUS, CONFIGURATION = "nvpmodel -q", "/var/lib/nvpmodel/status", "/etc/nvpmodel.conf"
QUESTIONS = (f"run {COMMAND}", f"text {STATUS}", f"text {CONFIGURATION}")
DEFINED = re.compile(r"^\s*<\s*POWER_MODEL\s+ID=(\d+)\s+NAME=(\S+)\s*>", re.M)
KEPT = re.compile(r"\bpmode:(\d+)")


@dataclass(frozen=True)
class PowerModes:
    """The power modes of a board.

    Attributes:
        current: the name of the current mode; None if unknown.
        names: of all modes in its configuration, by number.
        problem: why *current* is unknown.
    """

    current: str | None
    names: dict[int, str]
    problem: str | None = None

    def number(self, wanted: str) -> int | None:
        """Return the number of the mode *wanted*, a name or a number; None if it does not exist."""
        found = [number for number, name in self.names.items() if wanted.upper() in (name.upper(), str(number))]
        return found[0] if found else None

    def is_in(self, wanted: str) -> bool:
        """Return whether the board is in the mode *wanted*, a name or a number."""
        number = self.number(wanted)
        names = (wanted.upper(), "" if number is None else self.names[number].upper())
        return self.current is not None and self.current.upper() in names


def power_modes(answers: Answers) -> PowerModes:
    """Return the modes from `nvpmodel -q`, or from its status file if that needs more rights."""
    rows = DEFINED.findall(answers.text(CONFIGURATION) or "")
    names = {number: name for text, name in rows if (number := whole(text)) is not None}
    try:
        return PowerModes(nvpmodel.parse(answers.given[f"run {COMMAND}"].text)[0].name, names)
    except InputError as error:
        kept = KEPT.search(answers.text(STATUS) or "")
        number = whole(kept[1]) if kept else None
        name = None if number is None else names.get(number)
        return PowerModes(name, names, None if name else str(error))
