"""Options for images, one for each data set format, of `detlite quantize` and `detlite evaluate`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from detlite.accuracy.dataset import Dataset, datasets_by_option, load_dataset
from detlite.accuracy.images import DEFAULT_COUNT, Images, images_in
from detlite.calibration.images.gather import CHOICES, ImageRequest
from detlite.commands.console import notice
from detlite.runtime.errors import FindingError, InputError
from detlite.runtime.image.files import skipped_notice

Command = TypeVar("Command", bound=Callable[..., Any])
Given = Mapping[str, Any]

PATH = click.Path(path_type=Path)
_OPTIONS = (
    click.option(
        "--count", type=int, default=DEFAULT_COUNT, show_default=True, help="Number of images to calibrate with."
    ),
    click.option("--seed", type=int, default=0, show_default=True, help="Seed for the choice of images."),
    click.option(
        "--choice",
        type=click.Choice(CHOICES),
        default=CHOICES[0],
        show_default=True,
        help="Choice of images: stratified (by classes and sizes, or without labels by content), random or first.",
    ),
    click.option(
        "--lint", is_flag=True, help="Check the images for duplicates, blanks, colour order, scale and variety."
    ),
    click.option(
        "--lint-against",
        type=PATH,
        metavar="IMAGES",
        help="Also check that none of these images is among the calibration images.",
    ),
    click.option("--fail-on-lint", is_flag=True, help="If a check finds something, write nothing and exit with 1."),
)


def dataset_option(name: str, dataset: Dataset) -> Callable[[Command], Command]:
    """Return the option *name*, which takes the paths of *dataset*."""
    return click.option(
        f"--{name}", nargs=len(dataset.takes), type=PATH, metavar=" ".join(dataset.takes), help=dataset.title
    )


def value_of(values: Given, option: str) -> Any:
    """Return the value of *option*, such as `oid-labels`; None if it was not given."""
    return values[option.replace("-", "_")]


def paths_of(values: Given, option: str) -> tuple[Path, ...]:
    """Return the paths that were given for the option of a data set."""
    value = value_of(values, option)
    return value if isinstance(value, tuple) else (value,)


def image_options(command: Command) -> Command:
    """Add the options for images to calibrate with to *command*."""
    for option in reversed(_OPTIONS):
        command = option(command)
    for name, (_file, dataset) in sorted(datasets_by_option().items(), reverse=True):
        command = dataset_option(name, dataset)(command)
    return command


def images_given(path: Path) -> Images:
    """Return the images in the folder or list *path*; a notice names the skipped files."""
    images = images_in(path)
    tell_skipped(path, images.skipped)
    return images


def validation_videos(path: Path) -> tuple[Path, ...]:
    """Return the videos in the folder *path*, or the one that it is; `InputError` if there are none."""
    return _videos("video" if path.is_file() else "videos", (path,))


def calibration_videos(request: ImageRequest) -> tuple[Path, ...]:
    """Return the videos of a *request* for which `are_videos` holds; `InputError` if there are none."""
    return _videos(request.source, request.paths)


def _videos(source: str, paths: Sequence[Path]) -> tuple[Path, ...]:
    videos = load_dataset(source).videos
    assert videos is not None
    return tuple(video.absolute() for video in videos(paths))


def tell_skipped(path: Path, skipped: tuple[Path, ...]) -> None:
    """Write a notice if files of the folder *path* were *skipped*."""
    text = skipped_notice(path, skipped)
    if text is not None:
        notice(text)


def request_of(values: Given, *, count: int, others: int) -> ImageRequest:
    """Return the request for the images of *values*: *count* to calibrate with, and *others*.

    Raises:
        InputError: no images are given, or images in two formats.
    """
    datasets = datasets_by_option()
    given = [name for name in datasets if value_of(values, name) is not None]
    if len(given) != 1:
        known = ", ".join(f"--{name} {' '.join(dataset.takes)}" for name, (_file, dataset) in datasets.items())
        raise InputError(f"give the images to calibrate with in one way, as one of: {known}")
    return ImageRequest(
        source=datasets[given[0]][0],
        paths=tuple(path.absolute() for path in paths_of(values, given[0])),
        count=count,
        seed=values["seed"],
        choice=values["choice"],
        others=others,
        tolerant=wants_lint(values),
    )


def are_videos(request: ImageRequest) -> bool:
    """Return whether the images of *request* are frames of videos."""
    return load_dataset(request.source).videos is not None


def refuse_unread(reasons: Sequence[str]) -> None:
    """Raise `FindingError` if videos were left out, each for one of *reasons*, which are told."""
    for reason in reasons:
        notice(f"left out: {reason}")
    if reasons:
        raise FindingError(f"the rest is done; videos that cannot be read and were left out: {len(reasons)}")


def wants_lint(values: Given) -> bool:
    """Return whether to check the images."""
    return bool(values["lint"] or values["fail_on_lint"] or values["lint_against"] is not None)
