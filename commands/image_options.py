"""The options of `detlite quantize` that say which images to calibrate with: one for each source there is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from detlite.accuracy.image_source import SOURCES, ImageSource
from detlite.accuracy.images import DEFAULT_COUNT
from detlite.calibration.images.gather import CHOICES, Wish
from detlite.runtime.errors import InputError
from detlite.runtime.plugins import load_plugins

Command = TypeVar("Command", bound=Callable[..., Any])
Given = Mapping[str, Any]

_PATH = click.Path(path_type=Path)
_OPTIONS = (
    click.option("--count", type=int, default=DEFAULT_COUNT, show_default=True, help="Images to calibrate with."),
    click.option("--seed", type=int, default=0, show_default=True, help="Chooses the images."),
    click.option(
        "--choice",
        type=click.Choice(CHOICES),
        default=CHOICES[0],
        show_default=True,
        help="Like all images in classes and sizes, or in content without labels; at random; or the first.",
    ),
    click.option("--lint", is_flag=True, help="Check the images: duplicates, blank, colour order, scale, variety."),
    click.option("--lint-against", type=_PATH, metavar="IMAGES", help="Check that none of these is among them."),
    click.option("--fail-on-lint", is_flag=True, help="Write nothing, and exit with 1, where a check finds something."),
)


def image_options(command: Command) -> Command:
    """Add the options for images to *command*."""
    for option in reversed(_OPTIONS):
        command = option(command)
    for name, source in sorted(_sources().items(), reverse=True):
        takes = " ".join(source.takes)
        add = click.option(f"--{name}", nargs=len(source.takes), type=_PATH, metavar=takes, help=source.title)
        command = add(command)
    return command


def wish_of(values: Given, *, count: int, others: int) -> Wish:
    """Return which images *values* ask for: *count* to calibrate with, and *others*.

    Raises:
        InputError: none are given, or images of two kinds.
    """
    given = [name for name in _sources() if values[name] is not None]
    if len(given) != 1:
        known = ", ".join(f"--{name} {' '.join(source.takes)}" for name, source in _sources().items())
        raise InputError(f"give the images to calibrate with in one way, as one of: {known}")
    paths = values[given[0]]
    return Wish(
        source=given[0],
        paths=tuple(path.absolute() for path in (paths if isinstance(paths, tuple) else (paths,))),
        count=count,
        seed=values["seed"],
        choice=values["choice"],
        others=others,
        tolerant=wants_lint(values),
    )


def wants_lint(values: Given) -> bool:
    """Return whether the images are to be checked."""
    return bool(values["lint"] or values["fail_on_lint"] or values["lint_against"] is not None)


def _sources() -> Mapping[str, ImageSource]:
    return load_plugins(SOURCES)
