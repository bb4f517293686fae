"""`--target` and the options of each target, for `detlite compile` and `detlite inspect`; and what a target answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from detlite.commands.command import flag_of, flags_given, parameters_of
from detlite.commands.console import emit_json, emit_table, notice, say
from detlite.convert.target import Target, TargetAnswer, TargetRequest, known_targets
from detlite.devices.inventory import Device
from detlite.runtime.errors import InputError
from detlite.runtime.model_file import is_model_file, model_in
from detlite.runtime.plugins import load_plugins

OPTIONS = "detlite.commands.targets"

Command = TypeVar("Command", bound=Callable[..., Any])
Option = Callable[[Any], Any]
CompileOn = Callable[[Device, TargetRequest, Path, bool], TargetAnswer]


@dataclass(frozen=True)
class TargetOptions:
    """The options of one target; its name is its file's name, which is the target's.

    Attributes:
        compile: of `detlite compile`: what `click.option` returns, or an `option_group` of these.
        inspect: of `detlite inspect`.
        compile_on: compiles on a device what the target's own `compile` only prepares; None if no device does.
    """

    compile: tuple[Option, ...] = ()
    inspect: tuple[Option, ...] = ()
    compile_on: CompileOn | None = None


@dataclass(frozen=True)
class OfferedTargets:
    """The targets that a command offers: all of them by name, and each one's own options.

    Attributes:
        targets: by their names.
        options: decorators by the name of a target; empty for a target without options.
    """

    targets: Mapping[str, Target]
    options: Mapping[str, tuple[Option, ...]]

    @property
    def chips(self) -> tuple[str, ...]:
        """What `--target` accepts."""
        return tuple(chip for target in self.targets.values() for chip in target.chips)

    def named(self, chip: str) -> tuple[str, Target]:
        """Return the target of *chip* and its name."""
        return next((name, target) for name, target in self.targets.items() if chip in target.chips)

    def add(self, command: Command) -> Command:
        """Add the options of every target to *command*.

        Raises:
            ValueError: two targets declare options of one name.
        """
        self._check_names()
        every = [option for options in self.options.values() for option in options]
        for option in reversed(every):
            command = option(command)
        return command

    def _check_names(self) -> None:
        owners: dict[str, str] = {}
        for name in self.options:
            for option in self.own(name):
                owner = owners.setdefault(str(option.name), name)
                if owner != name:
                    raise ValueError(f"the targets {owner} and {name} both declare {flag_of(option)}")

    def own(self, name: str) -> tuple[click.Parameter, ...]:
        """Return the options of the target *name*, in their order."""
        return parameters_of(self.options.get(name, ()))

    def flags(self, name: str) -> str:
        """Return the options of the target *name* as text: `--a, --b and --c`."""
        *first, last = map(flag_of, self.own(name))
        return f"{', '.join(first)} and {last}" if first else last

    def values(self, name: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values of the options of the target *name*, of all that were *given*."""
        return {str(one.name): given[str(one.name)] for one in self.own(name)}

    def strangers(self, name: str | None) -> tuple[tuple[str, str], ...]:
        """Return the options on the command line that are another target's: each option, and the name of the target."""
        own = {one.name for one in self.own(name)} if name else set()
        return tuple(
            (flag, other)
            for other in self.targets
            for flag in flags_given([one for one in self.own(other) if one.name not in own])
        )


def compile_on_device(name: str) -> CompileOn | None:
    """Return what compiles on a device for the target *name*; None if nothing does."""
    options: TargetOptions | None = load_plugins(OPTIONS).get(name)
    return None if options is None else options.compile_on


def compile_choices() -> OfferedTargets:
    """Return the targets that models are compiled for."""
    options = load_plugins(OPTIONS)
    return OfferedTargets(known_targets(), {name: one.compile for name, one in options.items()})


def inspect_choices() -> OfferedTargets:
    """Return the targets that say what they will run of a model."""
    options = load_plugins(OPTIONS)
    targets = {name: target for name, target in known_targets().items() if target.predict is not None}
    return OfferedTargets(targets, {name: one.inspect for name, one in options.items() if name in targets})


def check_suffix(path: Path, target: Target, chip: str) -> None:
    """Raise `InputError` where the model at *path* is of a format that *target* does not compile."""
    file = model_in(path) if path.is_dir() else path
    if file is not None and is_model_file(file) and file.suffix not in target.suffixes:
        raise InputError(f"{path} is {file.suffix}, and {chip} takes {', '.join(target.suffixes)}")


def show_answer(answer: TargetAnswer, *, as_json: bool) -> None:
    """Print *answer*, then raise the failure that it holds, if any."""
    if as_json:
        emit_json(answer.schema, answer.record)
    else:
        for part in answer.text:
            if isinstance(part, str):
                say(part)
            else:
                emit_table(part.columns, part.rows)
    for text in answer.cautions:
        notice(text)
    if answer.failure is not None:
        raise answer.failure
