"""The options of exporters and targets in a plan: click reads them as for `detlite export` and `detlite compile`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click

from detlite.commands.command import parameters_of
from detlite.commands.exporting import EXPORTER_OPTIONS
from detlite.commands.target import compile_choices
from detlite.runtime.errors import InputError, unknown_name
from detlite.runtime.plugins import load_plugins
from detlite.studies.sweep.tools import ToolChoice, ToolReaders


def tool_readers() -> ToolReaders:
    """Return what reads the options of `[formats.NAME]` and `[targets.NAME]`."""
    return ToolReaders(_format, _target)


def _format(name: str, options: Mapping[str, Any]) -> ToolChoice:
    group = load_plugins(EXPORTER_OPTIONS).get(name)
    parameters = () if group is None else parameters_of((group,))
    values, words = _read(f"option of `detlite export --to {name}`", parameters, options)
    return ToolChoice(name, {key: value for key, value in values.items() if value is not None}, words)


def _target(name: str, options: Mapping[str, Any]) -> ToolChoice:
    choices = compile_choices()
    owner, _target = choices.named(name)
    values, words = _read(f"option of `detlite compile --target {name}`", choices.own(owner), options)
    return ToolChoice(name, {key: _plain(value) for key, value in values.items()}, words)


def _read(
    kind: str, parameters: Sequence[click.Parameter], options: Mapping[str, Any]
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the values of all *parameters*, by their names, and the *options* as words of a command line."""
    flags = {flag.removeprefix("--").replace("-", "_"): flag for one in parameters for flag in one.opts}
    for key in options:
        if key not in flags:
            raise unknown_name(kind, key, flags)
    words = tuple(word for key, value in options.items() for word in _words(flags[key], value))
    command = click.Command("options", params=list(parameters), add_help_option=False)
    try:
        return command.make_context("options", list(words)).params, words
    except click.UsageError as error:
        raise InputError(error.format_message()) from error


def _words(flag: str, value: object) -> Iterator[str]:
    if isinstance(value, bool):
        yield from (flag,) if value else ()
        return
    for one in value if isinstance(value, list) else [value]:
        yield from (flag, str(one))


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value
