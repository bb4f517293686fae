"""From a source of images to the files to calibrate with: listed, looked at, chosen, and kept where they had none.

A source is read up to three times: for its labels, for what its images look like, and for those that were chosen.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from detlite.accuracy.image_source import SOURCES, ImageSource
from detlite.accuracy.images import Images
from detlite.calibration.images.choice import brightness_strata, content_strata, label_strata, stratified
from detlite.calibration.images.gallery import Gallery
from detlite.calibration.images.image_cache import Keep, digests, key_of
from detlite.calibration.images.thumbnail import BLANK, contrast
from detlite.runtime.arrays import Pixels
from detlite.runtime.errors import InputError, unknown_name
from detlite.runtime.plugins import load_plugin
from detlite.runtime.progress import Progress, silent

CHOICES = ("stratified", "random", "first")
VERSION = 2  # of the choice: with another one, what was kept is chosen anew

MOST_LABELS = 8192  # images of which labels are compared
LOOKED_AT, FEWEST_LOOKED_AT = 4, 64  # times the count that is wanted, and at least: images decoded, 2.5 ms each


@dataclass(frozen=True)
class Wish:
    """Which images are wanted.

    Attributes:
        source: a file's name in `accuracy/datasets/`.
        paths: what it takes.
        count: how many.
        seed: for the choice.
        choice: one of `CHOICES`.
        others: how many more, at random, that are not among the first.
        tolerant: whether images that cannot be read are left out, and named, in place of an error.
    """

    source: str
    paths: tuple[Path, ...]
    count: int
    seed: int = 0
    choice: str = CHOICES[0]
    others: int = 0
    tolerant: bool = False

    def __post_init__(self) -> None:
        if self.choice not in CHOICES:
            raise unknown_name("choice of images", self.choice, CHOICES)
        if self.count < 1:
            raise InputError(f"{self.count} images are asked for; at least 1 is needed")


@dataclass(frozen=True)
class Gathered:
    """The images that were wanted.

    Attributes:
        images: in the order of the choice.
        others: more of them.
        broken: why images that were looked at cannot be read.
    """

    images: Images
    others: tuple[Path, ...] = ()
    broken: tuple[str, ...] = ()


def gather(wish: Wish, keep: Keep, *, progress: Progress = silent) -> Gathered:
    """Return the images of *wish*; those that are inside of other files are kept in *keep*.

    Raises:
        InputError: there are none, one cannot be read, or all of them are of one colour.
        UnknownNameError: there is no such source.
    """
    source: ImageSource = load_plugin(SOURCES, wish.source)
    if source.files is None:
        return _gathered(source, wish, keep, progress)
    asked = replace(wish, paths=())
    key = key_of(VERSION, repr(asked), digests(source.files(wish.paths)))
    if (known := _known(keep, key)) is not None:
        return known
    found = _gathered(source, wish, keep, progress)
    keep.keep(key, ".json", json.dumps(_record(found)).encode())
    return found


def _gathered(source: ImageSource, wish: Wish, keep: Keep, progress: Progress) -> Gathered:
    gallery = Gallery(source, wish.paths, progress=progress)
    pool = _pool(gallery, wish)
    looks = gallery.looks(pool)
    broken = tuple(str(look) for look in looks.values() if isinstance(look, InputError))
    seen = {number: look for number, look in looks.items() if not isinstance(look, InputError)}
    if broken and not (wish.tolerant and seen):
        raise _unreadable(broken, len(pool))
    chosen = _chosen(gallery, seen, wish)
    if (contrast(np.stack([seen[number] for number in chosen])) < BLANK).all():
        raise InputError(f"each of the {len(chosen)} images is of one colour: want images of what the model will see")
    left_out = {*chosen, *(number for number in looks if number not in seen)}
    more = _sample([number for number in range(len(gallery)) if number not in left_out], wish.others, wish.seed)
    files = gallery.files([*chosen, *more], keep)
    how = wish.choice if wish.choice == "first" else f"{wish.choice}, seed {wish.seed}"
    origin = f"{len(chosen)} of {len(gallery)} ({how}): {wish.source} {wish.paths[-1].name}"
    return Gathered(Images(tuple(files[: len(chosen)]), origin), tuple(files[len(chosen) :]), broken)


def _pool(gallery: Gallery, wish: Wish) -> list[int]:
    """Return the images among which is chosen; those that are wanted where no image has to be seen for that."""
    whole = range(len(gallery))
    if wish.choice == "first":
        return list(whole[: wish.count])
    if wish.choice == "random":
        return _sample(whole, wish.count, wish.seed)
    most = max(FEWEST_LOOKED_AT, LOOKED_AT * wish.count)
    if not gallery.is_labelled:
        return sorted(_sample(whole, most, wish.seed))
    some = sorted(_sample(whole, max(MOST_LABELS, most), wish.seed))
    strata = label_strata([gallery.objects[number] for number in some])
    return sorted(some[place] for place in stratified(strata, most, wish.seed))


def _chosen(gallery: Gallery, seen: dict[int, Pixels], wish: Wish) -> list[int]:
    """Return the images that are wanted of those that were *seen*, the pool."""
    numbers = list(seen)
    if wish.choice != "stratified":
        return numbers
    images = np.stack(list(seen.values()))
    if gallery.is_labelled:
        known = label_strata([gallery.objects[number] for number in numbers])
    else:
        known = content_strata(images, wish.count)
    return [numbers[place] for place in stratified(known | brightness_strata(images), wish.count, wish.seed)]


def _sample(numbers: Sequence[int], count: int, seed: int) -> list[int]:
    """Return *count* of *numbers* chosen with *seed*, or all of them, in their order, where there are no more."""
    if count >= len(numbers):
        return list(numbers)
    # S311: a seeded choice must be repeatable, and need not be secret
    return random.Random(seed).sample(numbers, count)  # noqa: S311


def _unreadable(broken: Sequence[str], count: int) -> InputError:
    more = f" (and {len(broken) - 1} more of the {count} that were looked at)" if len(broken) > 1 else ""
    return InputError(f"{broken[0]}{more}: mend or remove it, or leave it out with --lint, which names all")


def _known(keep: Keep, key: str) -> Gathered | None:
    """Return what is kept under *key*; None where it, or an image of it, is no longer there."""
    made = keep.made(key, ".json")
    if made is None:
        return None
    try:
        return _of_record(json.loads(made), keep)
    except (ValueError, KeyError, TypeError):  # written by another version
        return None


def _of_record(record: Mapping[str, Any], keep: Keep) -> Gathered | None:
    images, others = (tuple(keep.image(name) for name in record[part]) for part in ("images", "others"))
    if not all(keep.is_whole(path) for path in (*images, *others)):
        return None
    return Gathered(Images(images, record["origin"]), others, tuple(record["broken"]))


def _record(found: Gathered) -> dict[str, object]:
    return {
        "images": [path.name for path in found.images.paths],
        "origin": found.images.origin,
        "others": [path.name for path in found.others],
        "broken": list(found.broken),
    }
