"""From a data set to calibration image files: listed, decoded, chosen, and written if they were not files.

A data set is read up to three times: for its labels, for thumbnails, and for the chosen images.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from detlite.accuracy.dataset import Dataset, load_dataset
from detlite.accuracy.images import Images
from detlite.calibration.images.choice import brightness_strata, content_strata, label_strata, stratified
from detlite.calibration.images.gallery import Gallery
from detlite.calibration.images.image_cache import ImageCache, digests, key_of
from detlite.calibration.images.thumbnail import BLANK, contrast
from detlite.runtime.arrays import Pixels
from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError, unknown_name
from detlite.runtime.progress import Progress, silent
from detlite.runtime.strict_json import parse_json

CHOOSE = "choose the calibration images"
"""The step of a quantization."""

CHOICES = ("stratified", "random", "first")
VERSION = 3  # of the choice: cached choices of another version are not used

MOST_LABELS = 8192  # maximum number of images whose labels are compared
LOOKED_AT, FEWEST_LOOKED_AT = 4, 64  # images decoded, 2.5 ms each: a multiple of the count, and the minimum


@dataclass(frozen=True)
class ImageRequest:
    """Which images to calibrate with.

    Attributes:
        source: the name of a file in `accuracy/datasets/`.
        paths: the data set's paths.
        count: number of images.
        seed: seed of the choice.
        choice: one of `CHOICES`.
        others: number of further random images that are not among these.
        tolerant: whether unreadable images are left out and reported, instead of an error.
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
            raise InputError(f"{counted(self.count, 'image is', 'images are')} requested; at least 1 is needed")


@dataclass(frozen=True)
class GatheredImages:
    """The images for an `ImageRequest`.

    Attributes:
        images: in the order of the choice; `skipped` are files beside them that are not images.
        others: the further images.
        broken: why images cannot be read.
    """

    images: Images
    others: tuple[Path, ...] = ()
    broken: tuple[str, ...] = ()


def gather(request: ImageRequest, cache: ImageCache, *, progress: Progress = silent) -> GatheredImages:
    """Return the images for *request*; images inside other files are written to *cache*.

    Raises:
        InputError: there are none, one cannot be read, or each is of a single colour.
        UnknownNameError: there is no such data set format.
    """
    dataset = load_dataset(request.source)
    if dataset.files is None:
        return _gathered(dataset, request, cache, progress)
    asked = replace(request, paths=())
    key = key_of(VERSION, repr(asked), digests(dataset.files(request.paths)))
    if (known := _known(cache, key)) is not None:
        return known
    found = _gathered(dataset, request, cache, progress)
    cache.store(key, ".json", json.dumps(_record(found)).encode())
    return found


def _gathered(dataset: Dataset, request: ImageRequest, cache: ImageCache, progress: Progress) -> GatheredImages:
    gallery = Gallery(dataset, request.paths, progress=progress)
    pool = _pool(gallery, request)
    looks = gallery.looks(pool)
    broken = tuple(str(look) for look in looks.values() if isinstance(look, InputError))
    seen = {number: look for number, look in looks.items() if not isinstance(look, InputError)}
    if broken and not (request.tolerant and seen):
        raise _unreadable(broken, len(pool))
    chosen = _chosen(gallery, seen, request)
    if (contrast(np.stack([seen[number] for number in chosen])) < BLANK).all():
        raise InputError(f"no image of {len(chosen)} has more than one colour: give images of what the model will see")
    left_out = {*chosen, *(number for number in looks if number not in seen)}
    more = _sample([number for number in range(len(gallery)) if number not in left_out], request.others, request.seed)
    files = gallery.files([*chosen, *more], cache)
    skipped = () if dataset.skipped is None else tuple(dataset.skipped(request.paths))
    how = request.choice if request.choice == "first" else f"{request.choice}, seed {request.seed}"
    origin = f"{len(chosen)} of {len(gallery)} ({how}): {request.source} {request.paths[-1].name}"
    images = Images(tuple(files[: len(chosen)]), origin, skipped, dataset.upright)
    return GatheredImages(images, tuple(files[len(chosen) :]), broken)


def _pool(gallery: Gallery, request: ImageRequest) -> list[int]:
    """Return the images to choose from; the chosen ones if no image needs to be decoded for the choice."""
    whole = range(len(gallery))
    if request.choice == "first":
        return list(whole[: request.count])
    if request.choice == "random":
        return _sample(whole, request.count, request.seed)
    most = max(FEWEST_LOOKED_AT, LOOKED_AT * request.count)
    if not gallery.is_labelled:
        return sorted(_sample(whole, most, request.seed))
    some = sorted(_sample(whole, max(MOST_LABELS, most), request.seed))
    strata = label_strata([gallery.objects[number] for number in some])
    return sorted(some[place] for place in stratified(strata, most, request.seed))


def _chosen(gallery: Gallery, seen: dict[int, Pixels], request: ImageRequest) -> list[int]:
    """Return the chosen images of the pool *seen*."""
    numbers = list(seen)
    if request.choice != "stratified":
        return numbers
    images = np.stack(list(seen.values()))
    if gallery.is_labelled:
        known = label_strata([gallery.objects[number] for number in numbers])
    else:
        known = content_strata(images, request.count)
    return [numbers[place] for place in stratified(known | brightness_strata(images), request.count, request.seed)]


def _sample(numbers: Sequence[int], count: int, seed: int) -> list[int]:
    """Return *count* of *numbers*, chosen with *seed*; all of them, in order, if there are no more."""
    if count >= len(numbers):
        return list(numbers)
    # S311: a seeded choice must be repeatable, and need not be secret
    return random.Random(seed).sample(numbers, count)  # noqa: S311


def _unreadable(broken: Sequence[str], count: int) -> InputError:
    more = f" (and {len(broken) - 1} more of {counted(count, 'image')})" if len(broken) > 1 else ""
    return InputError(
        f"{broken[0]}{more}: repair or remove it, or use --lint, which leaves out and names all such files"
    )


def _known(cache: ImageCache, key: str) -> GatheredImages | None:
    """Return the cached result for *key*; None if it or one of its images is missing."""
    made = cache.made(key, ".json")
    if made is None:
        return None
    try:
        return _of_record(parse_json(made), cache)
    except (InputError, KeyError, TypeError):  # written by another version
        return None


def _of_record(record: Mapping[str, Any], cache: ImageCache) -> GatheredImages | None:
    images, others = (tuple(cache.image(name) for name in record[part]) for part in ("images", "others"))
    if not all(cache.is_whole(path) for path in (*images, *others)):
        return None
    found = Images(images, record["origin"], upright=record["upright"])
    return GatheredImages(found, others, tuple(record["broken"]))


def _record(found: GatheredImages) -> dict[str, object]:
    return {
        "images": [path.name for path in found.images.paths],
        "origin": found.images.origin,
        "upright": found.images.upright,
        "others": [path.name for path in found.others],
        "broken": list(found.broken),
    }
