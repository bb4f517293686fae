"""Options that say how to quantize, of `detlite quantize` and `detlite run`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from detlite.calibration.models import DEFAULT_ESTIMATOR
from detlite.calibration.numbers.scheme import DEFAULT_SCHEME, IO_TYPES, scheme_names
from detlite.calibration.ranges.estimator import ESTIMATORS
from detlite.calibration.weights.method import DEFAULT_METHOD, METHODS
from detlite.commands.completion import names_of, plugins_of
from detlite.runtime.errors import unknown_name
from detlite.runtime.plugins import plugin_names

Command = TypeVar("Command", bound=Callable[..., Any])

PLUGINS = (("quantization method", METHODS, "method"), ("range estimator", ESTIMATORS, "estimator"))

_OPTIONS = (
    click.option(
        "--scheme",
        default=DEFAULT_SCHEME,
        show_default=True,
        shell_complete=names_of(scheme_names),
        help=f"Number format: {', '.join(scheme_names())}.",
    ),
    click.option(
        "--method",
        default=DEFAULT_METHOD,
        show_default=True,
        shell_complete=plugins_of(METHODS),
        help=f"Method to quantize weights and biases: {', '.join(plugin_names(METHODS))}.",
    ),
    click.option(
        "--estimator",
        default=DEFAULT_ESTIMATOR,
        show_default=True,
        shell_complete=plugins_of(ESTIMATORS),
        help=f"Estimator of the activations' ranges: {', '.join(plugin_names(ESTIMATORS))}.",
    ),
    click.option(
        "--io",
        type=click.Choice(IO_TYPES),
        help="Data type of the input and of raw outputs (default: int8; float32 for schemes other than int8).",
    ),
    click.option(
        "--float",
        "floating",
        multiple=True,
        metavar="OPERATOR",
        help="Keep this operator in float, by type (CONV_2D) or name. Repeatable.",
    ),
)


def recipe_options(command: Command) -> Command:
    """Add the options to *command*."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def check_plugins(values: Mapping[str, Any]) -> None:
    """Raise `UnknownNameError` if the method or the estimator of *values* does not exist."""
    for kind, package, name in PLUGINS:
        if values[name] not in plugin_names(package):
            raise unknown_name(kind, values[name], plugin_names(package))
