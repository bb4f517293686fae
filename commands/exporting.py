"""The options of all exporters on `detlite export`, and which of them were given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from detlite.commands.command import parameters_of
from detlite.runtime.errors import InputError
from detlite.runtime.plugins import load_plugins

EXPORTER_OPTIONS = "detlite.commands.exporters"

Command = TypeVar("Command", bound=Callable[..., Any])


def exporter_options(command: Command) -> Command:
    """Add the options of every exporter to *command*."""
    for group in reversed(load_plugins(EXPORTER_OPTIONS).values()):
        command = group(command)
    return command


def take_exporter_options(to: str, values: dict[str, Any]) -> dict[str, Any]:
    """Return the options for the exporter *to* that were given, of the *values* of `exporter_options`.

    Raises:
        InputError: one is another exporter's.
    """
    owners = {
        str(option.name): (name, _flag(option))
        for name, group in load_plugins(EXPORTER_OPTIONS).items()
        for option in parameters_of((group,))
    }
    given = {name: value for name, value in values.items() if value is not None}
    for name in given:
        owner, flag = owners[name]
        if owner != to:
            raise InputError(f"{flag} needs --to {owner}; --to {to} has no such option")
    return given


def _flag(option: click.Parameter) -> str:
    return max(option.opts, key=len)
