"""`detlite context`: the memory of a camera, for a Context R-CNN."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from detlite.commands.command import CommandGroup, WorkCommand
from detlite.commands.console import emit_json, notice, progress, say
from detlite.commands.image_options import images_given
from detlite.commands.options import FiniteRange, json_option
from detlite.convert.artifact import open_artifact
from detlite.convert.files.write_file import check_writable
from detlite.runtime.counts import counted
from detlite.runtime.errors import FindingError, InputError
from detlite.studies.context.build import MOST_ROWS, POSITIVE, BuildOptions, BuiltBank, build_bank, check_embeds

_PATH = click.Path(path_type=Path)
MOST_NAMED = 5


@click.group(cls=CommandGroup)
def command() -> None:
    """Make the memory of a camera, which a Context R-CNN reads beside each image.

    \b
    detlite context build --images camera7/ --model out/embedder -o camera7.npz
    """


@command.command(cls=WorkCommand)
@click.option("--images", type=_PATH, required=True, help="Folder or list of the camera's images.")
@click.option("--model", type=_PATH, required=True, help="Faster R-CNN that was converted with --embeddings.")
@click.option("-o", "--output", "out", type=_PATH, required=True, help="File to write, such as memory.npz.")
@click.option(
    "--dates",
    type=_PATH,
    metavar="FILE",
    help="When the images were taken: .csv of names and dates, or COCO Camera Traps' .json (default: their EXIF).",
)
@click.option(
    "--per-image", type=click.IntRange(1, 1000), default=1, show_default=True, help="Most detections of an image."
)
@click.option(
    "--min-score",
    type=FiniteRange(0, 1),
    default=0.0,
    show_default=True,
    help=f"Leave out images whose best detection scores less; the OD API's own tool has {POSITIVE:g} for this.",
)
@click.option(
    "--every", type=click.IntRange(1), default=1, show_default=True, help="Take one of so many images, by their dates."
)
@click.option(
    "--rows",
    type=click.IntRange(1, 100_000),
    default=MOST_ROWS,
    show_default=True,
    help="Most rows, as many as the model reads (max_num_context_features); the newest are kept.",
)
@click.option(
    "--threads", type=click.IntRange(1, 64), default=1, show_default=True, help="Number of interpreter threads."
)
@click.option("--force", is_flag=True, help="Replace an existing file.")
@json_option
def build(images: Path, model: Path, out: Path, as_json: bool, **values: Any) -> None:
    """Build a bank of features from images.

    It holds what a detector finds in the images of a camera.

    \b
    detlite context build --images camera7/ --model out/embedder -o camera7.npz
    detlite context build --images camera7/ --model out/embedder -o camera7.npz --dates dates.csv --min-score 0.7

    A row is the embedding of a detection, its box, and when its image was taken. Run it again after an interruption:
    the finished images are kept. The exit status is 1 if some of the images could not be read.
    """
    if out.exists() and not values["force"]:
        raise InputError(f"{out} already exists; choose another file, or pass --force to replace it")
    check_writable(out)
    artifact = open_artifact(model)
    check_embeds(artifact, values["per_image"])
    given = images_given(images)
    options = BuildOptions(**{name: values[name] for name in ("per_image", "min_score", "every", "rows", "threads")})
    with progress() as report:
        built = build_bank(artifact, given.paths, out, options, folder=images, dates=values["dates"], progress=report)
    if as_json:
        emit_json("context_build", built.to_record())
    else:
        _tell(built)
    for name, error in built.unread:
        notice(f"not read: {name}: {error}")
    if built.unread:
        raise FindingError(
            f"{len(built.unread)} of {counted(len(given.paths), 'image')} could not be read; {out} has the others"
        )


def _tell(built: BuiltBank) -> None:
    for names, why in (
        (built.without_date, "no date, see --dates"),
        (built.without_object, "nothing found in them with enough score"),
    ):
        if names:
            more = ", ..." if len(names) > MOST_NAMED else ""
            notice(f"{counted(len(names), 'image')} left out, {why}: {', '.join(names[:MOST_NAMED])}{more}")
    if built.dropped:
        notice(f"{counted(built.dropped, 'older row')} left out: the bank has room for {built.rows}, see --rows")
    say(
        f"{built.path}: {counted(built.rows, 'row')} of {built.width} features, of {counted(built.images, 'image')} "
        f"from {built.first} to {built.last}"
    )
