"""The options of the Edge TPU: of `detlite compile`, and of `detlite inspect`, which predicts."""

from __future__ import annotations

from pathlib import Path

import click

from detlite.commands.command import option_group
from detlite.commands.completion import names_of
from detlite.commands.options import FiniteRange, multiple_subgraphs_option
from detlite.commands.target import TargetOptions
from detlite.runtime.errors import unknown_name


def _fix_names() -> tuple[str, ...]:
    from detlite.convert.targets.edgetpu.repair import fix_names  # a shell asks for it, and no command

    return fix_names()


def _valid_gates(_ctx: click.Context, _option: click.Parameter, texts: tuple[str, ...]) -> tuple[str, ...]:
    """Return *texts*; `InputError` if one is no condition on a known figure."""
    if texts:
        from detlite.convert.targets.edgetpu.gates import parse_gates  # no help needs it
        from detlite.convert.targets.edgetpu.record import FIGURES

        parse_gates(texts, FIGURES)
    return texts


def _known_fixes(_ctx: click.Context, _option: click.Parameter, names: tuple[str, ...]) -> tuple[str, ...]:
    """Return *names*; `UnknownNameError` if one is no fix."""
    for name in names:
        if name not in _fix_names():
            raise unknown_name("fix", name, _fix_names())
    return names


FAIL_ON = click.option(
    "--fail-on",
    callback=_valid_gates,
    multiple=True,
    metavar="CONDITION",
    help="Exit with status 1 if this holds: 'unmapped>1', 'subgraphs>1', or 'streamed>0' (the most bytes that may be). "
    "Repeatable.",
)

PICTURE = click.option(
    "--picture",
    type=click.Path(path_type=Path),
    metavar="HTML",
    help="File to draw the graph to, coloured by where each operator runs.",
)

COMPILE = (
    option_group(
        "Before the compiler runs",
        click.option(
            "--fix",
            "fixes",
            multiple=True,
            callback=_known_fixes,
            metavar="NAME",
            shell_complete=names_of(_fix_names),
            help="Change the model so that more of it is mapped: a fix of `inspect --target edgetpu`, or all-lossless. "
            "Repeatable.",
        ),
        click.option("--ignore-prediction", is_flag=True, help="Run the compiler even if it is predicted to refuse."),
    ),
    option_group(
        "The Edge TPU compiler",
        click.option(
            "--compiler",
            metavar="COMMAND",
            help="Compiler or wrapper to run (default: EDGETPU_COMPILER, then the PATH).",
        ),
        multiple_subgraphs_option,
        click.option(
            "--search-step",
            type=click.IntRange(0, 1000),
            default=30,
            show_default=True,
            help="Step of the compiler's search for a delegation; 0: no search.",
        ),
        click.option(
            "--num-segments",
            type=click.IntRange(1, 16),
            default=1,
            show_default=True,
            help="Number of segments when pipelining over several Edge TPUs.",
        ),
        click.option("--cut-at", multiple=True, metavar="TENSOR", help="Cut the model at this tensor. Repeatable."),
        click.option(
            "--min-runtime",
            type=click.IntRange(10, 14),
            help="Oldest Edge TPU runtime that must load the compiled file.",
        ),
        click.option(
            "--timeout",
            "timeout_s",
            type=FiniteRange(1, 86_400),
            default=900,
            show_default=True,
            help="Longest time of one compilation, in seconds.",
        ),
        click.option(
            "--retries",
            type=click.IntRange(0, 10),
            default=1,
            show_default=True,
            help="Number of retries after a crash or a timeout.",
        ),
    ),
    FAIL_ON,
)

PLUGIN = TargetOptions(compile=COMPILE, inspect=(multiple_subgraphs_option, FAIL_ON, PICTURE))
