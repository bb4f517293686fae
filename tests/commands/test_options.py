"""Options of several commands: which values they take."""

import math
from collections.abc import Iterator

import click
import pytest

from detlite.cli import COMMANDS, detlite
from detlite.commands.options import FiniteRange, take_size
from detlite.runtime.errors import InputError


def options_of(command: click.Command) -> Iterator[click.Option]:
    """The options of a command, and of a group's commands."""
    yield from (one for one in command.params if isinstance(one, click.Option))
    if isinstance(command, click.Group):
        for inner in command.commands.values():
            yield from options_of(inner)


def ranges() -> list[click.Option]:
    """The options that take a number with a fraction."""
    context = click.Context(detlite)
    commands = [command for name in COMMANDS if (command := detlite.get_command(context, name)) is not None]
    return [one for command in commands for one in options_of(command) if one.type.name == "float range"]


def test_no_option_takes_a_number_that_is_not_finite() -> None:
    found = ranges()
    assert "--max-macs" in {one.opts[0] for one in found}
    for option in found:
        for text in ("nan", "NaN", "-nan", "inf", "-inf"):
            with pytest.raises(click.BadParameter, match="is not finite|is not in the range"):
                option.type.convert(text, option, None)


def test_a_number_that_is_not_finite_is_told() -> None:
    with pytest.raises(click.BadParameter, match="nan is not finite: give a number such as 0.5 or 2"):
        FiniteRange(1, 4).convert("nan", None, None)
    with pytest.raises(click.BadParameter, match="inf is not finite"):
        FiniteRange(0).convert(math.inf, None, None)


def test_a_number_in_the_range_is_taken() -> None:
    assert FiniteRange(1, 4).convert("1.5", None, None) == 1.5


def test_an_input_of_more_pixels_than_an_image_may_have_is_refused() -> None:
    with pytest.raises(
        InputError, match="--input 99999x99999: 9,999,800,001 pixels; want at most 178,956,970, as of an"
    ):
        take_size("99999x99999")
    assert take_size("1024x2048") == (1024, 2048)
