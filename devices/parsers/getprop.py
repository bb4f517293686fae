"""Android's `getprop`: `[name]: [value]`, one per line; a value may span lines."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from detlite.devices.recording import Format
from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError

ENTRY = re.compile(r"^\[([^\]\n]+)\]: \[(.*?)\][ \r]*$", re.M | re.S)


@dataclass(frozen=True)
class Properties:
    """The system properties of an Android device by name; `problems` names lines that could not be read."""

    values: Mapping[str, str]
    problems: tuple[str, ...] = ()

    def first(self, *names: str) -> str | None:
        """Return the value of the first of *names* that is set."""
        return next((self.values[name] for name in names if self.values.get(name)), None)


def parse(text: str) -> tuple[Properties]:
    """Return the properties in *text*.

    Raises:
        InputError: there are none.
    """
    values = {found[1]: found[2] for found in ENTRY.finditer(text)}
    if not values:
        raise InputError("found no Android properties: expected lines such as [ro.product.model]: [Pixel 8]")
    begun = len(re.findall(r"^\[[^\]\n]+\]: \[", text, re.M))
    lost = begun - len(values)
    return (
        Properties(
            values, (f"{counted(lost, 'property is', 'properties are')} truncated or duplicated",) if lost else ()
        ),
    )


PLUGIN = Format(
    title="Android's getprop",
    recognize=lambda text: bool(re.search(r"^\[(?:ro|persist|sys|init)\.[^\]]*\]: \[", text, re.M)),
    parse=parse,
)
