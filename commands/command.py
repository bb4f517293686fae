"""The classes of commands: help in titled groups with whole sentences, and `--save-job` for those that do work."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from detlite.commands.console import VOLUME
from detlite.runtime.errors import FindingError

Function = TypeVar("Function", bound=Callable[..., Any])

LONGEST = 200
"""Characters of a sentence in a list of commands: any."""

OTHERS = "Options"
"""The title of the options that are in no group; they are listed last."""

_TITLES: dict[click.Parameter, str] = {}
_CLICK_PARAMETERS = "__click_params__"
"""The attribute in which click's decorators store a function's parameters, the last one first."""

_SAVE_JOB = "detlite.save_job"

GIVEN = (ParameterSource.COMMANDLINE, ParameterSource.ENVIRONMENT)
"""Where the value of a parameter comes from if the user gave it."""


def option_group(title: str, *options: Callable[[Any], Any]) -> Callable[[Function], Function]:
    """Return a decorator that adds *options* and lists them under *title* in the help.

    Each is the result of `click.option`, or a function that adds several; the groups of such a function stay.
    """

    def add(function: Function) -> Function:
        before = len(getattr(function, _CLICK_PARAMETERS, ()))
        for option in reversed(options):
            option(function)
        for parameter in getattr(function, _CLICK_PARAMETERS)[before:]:
            _TITLES.setdefault(parameter, title)
        return function

    return add


def parameters_of(options: Sequence[Callable[[Any], Any]]) -> tuple[click.Parameter, ...]:
    """Return the parameters that *options* add, in their order; each is made by `click.option` or `option_group`."""

    def probe() -> None:
        """Take the options: click keeps them with the function."""

    for option in reversed(options):
        option(probe)
    return tuple(reversed(getattr(probe, _CLICK_PARAMETERS, ())))


def flags_given(parameters: Sequence[click.Parameter]) -> tuple[str, ...]:
    """Return the flags, in their long form, of those *parameters* that the user gave to the running command."""
    context = click.get_current_context()
    return tuple(flag_of(one) for one in parameters if context.get_parameter_source(str(one.name)) in GIVEN)


def flag_of(option: click.Parameter) -> str:
    """Return the long form of the flag of *option*."""
    return max(option.opts, key=len)


VOLUMES = (
    ("-q", "--quiet", "Write errors and results only: no progress and no notices."),
    ("-v", "--verbose", "Write progress as lines, each with the time since the start, and more of them."),
)


def _volume_option(short: str, long: str, text: str) -> click.Option:
    def remember(ctx: click.Context, _parameter: click.Parameter, value: bool) -> None:
        if value:
            ctx.meta[VOLUME] = long.removeprefix("--")

    return click.Option([short, long], is_flag=True, expose_value=False, callback=remember, help=text)


class WorkCommand(click.Command):
    """A command whose options are listed in groups, and which `--save-job FILE` writes as a job for `detlite run`."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        """Take the arguments of `click.Command`, and add the options `--save-job`, `--quiet` and `--verbose`."""
        super().__init__(*arguments, **settings)
        save_job = click.Option(
            ["--save-job"],
            type=click.Path(dir_okay=False, path_type=Path),
            metavar="FILE",
            expose_value=False,
            callback=_remember,
            help="Write this command line to a TOML file, which `detlite run FILE` runs again.",
        )
        self.params += [save_job, *(_volume_option(short, long, text) for short, long, text in VOLUMES)]

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options under the titles of their groups."""
        groups: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            line = parameter.get_help_record(ctx)
            if isinstance(parameter, click.Option) and line is not None:
                groups.setdefault(_TITLES.get(parameter, OTHERS), []).append(line)
        groups[OTHERS] = groups.pop(OTHERS)  # there is always --help
        for title, lines in groups.items():
            with formatter.section(title):
                formatter.write_dl(lines)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command, and write the requested job, also if a gate failed: the work was done."""
        path: Path | None = ctx.meta.get(_SAVE_JOB)
        if path is None:
            return super().invoke(ctx)
        from detlite.commands.job import check_new, job_of, write_job

        check_new(path, force=bool(ctx.params.get("force")))
        job = job_of(ctx, path)
        try:
            status = super().invoke(ctx)
        except FindingError:
            write_job(path, job)
            raise
        write_job(path, job)
        return status


class CommandGroup(click.Group):
    """A command of several commands, whose help has the whole first sentence of each."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write a line for each command; click itself cuts it after 45 characters or so."""
        commands = ((name, self.get_command(ctx, name)) for name in self.list_commands(ctx))
        with formatter.section("Commands"):
            formatter.write_dl([(name, one.get_short_help_str(LONGEST)) for name, one in commands if one is not None])


def _remember(ctx: click.Context, _parameter: click.Parameter, value: Path | None) -> Path | None:
    ctx.meta[_SAVE_JOB] = value
    return value
