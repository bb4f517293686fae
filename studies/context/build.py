"""Build the memory of a camera: a bank of features of what a detector finds in its images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from detlite.devices.remote.journal import Journal, journal
from detlite.runtime.artifact import Artifact, sha256_of
from detlite.runtime.child import run_in_child
from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError
from detlite.runtime.progress import Progress, silent
from detlite.runtime.records import Record, to_record
from detlite.runtime.tasks.detection import EMBEDDINGS, has_embeddings
from detlite.studies.context.bank import BankRow, write_bank
from detlite.studies.context.child_calls import EmbeddedImage, EmbeddingRequest, embedded_images
from detlite.studies.context.dates import exif_date, listed_dates

TASK = "detlite.studies.context.child_calls:embed_images"
MOST_ROWS = 2000
"""Rows of a bank where a config of Context R-CNN does not say (`max_num_context_features`)."""

POSITIVE = 0.7
"""The score from which the OD API's tool takes an image to hold an object (`context_features_score_threshold`)."""


@dataclass(frozen=True)
class BuildOptions:
    """How a bank is built.

    Attributes:
        per_image: the most detections of an image, the best ones.
        min_score: an image whose best detection scores less is left out, 0..1.
        every: of the images in the order of their dates, only the first of so many.
        rows: the most rows; those of the newest images are kept.
        threads: of the interpreter.
    """

    per_image: int = 1
    min_score: float = 0.0
    every: int = 1
    rows: int = MOST_ROWS
    threads: int = 1


@dataclass(frozen=True)
class BuiltBank:
    """A bank that was built.

    Attributes:
        path: its file.
        rows: of the bank.
        width: numbers of a row.
        images: how many images have rows.
        first: when the first of them was taken.
        last: likewise.
        without_date: images that were left out because nothing says when they were taken.
        without_object: images that were left out because nothing was found in them, or nothing with enough score.
        dropped: older rows that were left out because the bank is full.
        unread: images that could not be read, and why.
        runtime: the interpreter's package and version.
        model_sha256: of the model file.
    """

    path: Path
    rows: int
    width: int
    images: int
    first: datetime
    last: datetime
    without_date: tuple[str, ...]
    without_object: tuple[str, ...]
    dropped: int
    unread: tuple[tuple[str, str], ...]
    runtime: str
    model_sha256: str

    def to_record(self) -> dict[str, Any]:
        """Return the record that `detlite context build --json` writes."""
        return {
            "bank": str(self.path),
            "rows": self.rows,
            "width": self.width,
            "images": self.images,
            "first": self.first.isoformat(sep=" "),
            "last": self.last.isoformat(sep=" "),
            "without_date": list(self.without_date),
            "without_object": list(self.without_object),
            "dropped_rows": self.dropped,
            "unread": [{"image": image, "error": error} for image, error in self.unread],
            "runtime": self.runtime,
            "model_sha256": self.model_sha256,
        }


def check_embeds(artifact: Artifact, per_image: int = 1) -> None:
    """Raise `InputError` if *artifact* does not return the embeddings that a bank is made of, *per_image* of them."""
    if not has_embeddings(artifact.contract):
        raise InputError(
            f"{artifact.model} returns no embeddings: convert the Faster R-CNN that the Context R-CNN was trained with "
            f"by `detlite convert --config pipeline.config --checkpoint model.ckpt --embeddings {per_image}`"
        )
    returned = artifact.contract.output(EMBEDDINGS).shape[1]
    if per_image > returned:
        raise InputError(
            f"{artifact.model} returns {counted(returned, 'embedding')} of an image, and {per_image} are asked for: "
            f"convert it with --embeddings {per_image}, or ask for fewer with --per-image"
        )


def build_bank(
    artifact: Artifact,
    images: Sequence[Path],
    out: Path,
    options: BuildOptions,
    *,
    folder: Path | None = None,
    dates: Path | None = None,
    progress: Progress = silent,
) -> BuiltBank:
    """Write the bank of what *artifact* finds in *images* to *out*.

    The images that are finished are kept when this is interrupted, and not run again.

    Args:
        artifact: a detector with embeddings.
        images: the image files.
        out: the file to write.
        options: which rows there are.
        folder: names of images are below it; None for file names alone.
        dates: a list of when the images were taken; None for their EXIF.
        progress: told of the images.

    Raises:
        InputError: the model returns too few embeddings, no image has a date, or nothing is found in any.
    """
    check_embeds(artifact, options.per_image)
    taken, unread = _dates(images, dates)
    names = {image: _name(image, folder) for image in images}
    dated = sorted(taken, key=lambda image: (taken[image], names[image]))[:: options.every]
    model_sha256 = sha256_of(artifact.model)
    kept_lines = _journal(artifact, model_sha256, options, out)
    lines, runtime = _embedded(artifact, dated, options, kept_lines, progress)
    of_image = {image: _rows(names[image], taken[image], lines[image], options.min_score) for image in dated}
    rows = [row for found in of_image.values() for row in found]
    without_rows = [image for image in dated if not of_image[image]]
    unread |= {image: error for image in without_rows if (error := lines[image].error) is not None}
    if not rows:
        raise InputError(
            f"nothing was found in {counted(len(dated), 'image')} with a score of {options.min_score:g} or more: there "
            "is no row for a bank"
        )
    kept = rows[-options.rows :]
    write_bank(out, kept, _facts(model_sha256, options))
    kept_lines.remove()
    return BuiltBank(
        path=out,
        rows=len(kept),
        width=len(kept[0].features),
        images=len({row.image for row in kept}),
        first=kept[0].taken,
        last=kept[-1].taken,
        without_date=tuple(names[image] for image in images if image not in taken and image not in unread),
        without_object=tuple(names[image] for image in without_rows if image not in unread),
        dropped=len(rows) - len(kept),
        unread=tuple((names[image], error) for image, error in unread.items()),
        runtime=runtime,
        model_sha256=model_sha256,
    )


def _rows(name: str, taken: datetime, line: EmbeddedImage, min_score: float) -> list[BankRow]:
    """Return the rows of an image; none if its best detection scores under *min_score*."""
    if not line.found or line.found[0][0] < min_score:
        return []
    return [BankRow(name, taken, *one) for one in line.found]


def _facts(model_sha256: str, options: BuildOptions) -> Record:
    """Return what the file says of how it was made."""
    return {
        "model_sha256": model_sha256,
        "per_image": options.per_image,
        "min_score": options.min_score,
        "every": options.every,
    }


def _dates(images: Sequence[Path], dates: Path | None) -> tuple[Mapping[Path, datetime], dict[Path, str]]:
    """Return when each of *images* was taken, and why some cannot be read; one whose date is not known is in neither.

    Raises:
        InputError: no date is known.
    """
    unread: dict[Path, str] = {}
    taken = listed_dates(dates, images) if dates is not None else _exif_dates(images, unread)
    if not taken:
        where = "their EXIF does not say when they were taken" if dates is None else f"{dates} has none of their names"
        damaged = f", and {len(unread)} cannot be read ({next(iter(unread.values()))})" if unread else ""
        raise InputError(
            f"no date of {counted(len(images), 'image')} is known: {where}{damaged}; give a list of them with --dates "
            "FILE"
        )
    return taken, unread


def _exif_dates(images: Sequence[Path], unread: dict[Path, str]) -> Mapping[Path, datetime]:
    """Return what the EXIF of *images* says; those that cannot be read are added to *unread*, with the reason."""
    taken = {}
    for image in images:
        try:
            date = exif_date(image)
        except InputError as error:
            unread[image] = str(error)
        else:
            if date is not None:
                taken[image] = date
    return taken


def _name(image: Path, folder: Path | None) -> str:
    if folder is not None and folder.is_dir() and image.is_relative_to(folder):
        return image.relative_to(folder).as_posix()
    return image.name


def _journal(artifact: Artifact, model_sha256: str, options: BuildOptions, out: Path) -> Journal:
    """Return what is kept of a build of *out* until it is finished."""
    job = {"model": model_sha256, "contract": artifact.contract.to_json(), "per_image": options.per_image}
    return journal("context build", {**job, "out": str(out.absolute())})


def _embedded(
    artifact: Artifact, images: Sequence[Path], options: BuildOptions, kept: Journal, progress: Progress
) -> tuple[Mapping[Path, EmbeddedImage], str]:
    """Return what was found in each of *images*, and the runtime that found it; finished ones are not run again."""
    digests = {image: sha256_of(image) for image in images}
    finished = {digest for digest, one in embedded_images(kept).items() if one.error is None}
    rest = [image for image in images if digests[image] not in finished]
    runtime = "kept from an interrupted run"
    if rest:
        request = EmbeddingRequest(
            artifact.model,
            artifact.contract.to_json(),
            tuple(image.absolute() for image in rest),
            tuple(digests[image] for image in rest),
            options.per_image,
            options.threads,
            kept.path,
            len(images) - len(rest),
        )
        runtime = run_in_child(TASK, to_record(request), progress=progress)["runtime"]
    known = embedded_images(kept)
    return {image: known[digests[image]] for image in images}, runtime
