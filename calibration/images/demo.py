"""Real photographs for a first run without own data, from a well-maintained package.

scikit-image ships them among its sample data, under free licences; the extra `demo` installs it. They show what COCO
has classes for: a person, a cat, a cup, a motorcycle.
"""

from __future__ import annotations

import importlib.util
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from detlite.accuracy.images import Images
from detlite.convert.extras import install_line
from detlite.runtime.counts import counted
from detlite.runtime.errors import MissingToolError


@dataclass(frozen=True)
class Photograph:
    """A photograph of scikit-image.

    Attributes:
        file: below the package's folder `data`.
        scene: what it shows; photographs of one scene are not independent.
        part: (top, left, bottom, right) in pixels of the part to cut from; None for all of it.
    """

    file: str
    scene: str
    part: tuple[int, int, int, int] | None = None


PHOTOGRAPHS = (
    Photograph("astronaut.png", "person", (0, 0, 340, 370)),  # without helmet and rocket: COCO has no class for them
    Photograph("chelsea.png", "cat"),
    Photograph("coffee.png", "cup"),
    Photograph("motorcycle_left.png", "motorcycle"),
    Photograph("motorcycle_right.png", "motorcycle"),
)
SMALLEST_CROP = 0.7  # of each side: smaller crops show parts of objects, which are taken for other things


def photographs() -> tuple[Path, ...]:
    """Return the files of the photographs.

    Raises:
        MissingToolError: they are not installed.
    """
    spec = importlib.util.find_spec("skimage")
    paths = () if spec is None or spec.origin is None else _in_package(Path(spec.origin).parent)
    if not all(path.is_file() for path in paths) or not paths:
        raise MissingToolError(
            f"no photographs to try with: {install_line('demo')}, or give your own with --images or --coco"
        )
    return paths


def _in_package(folder: Path) -> tuple[Path, ...]:
    return tuple(folder / "data" / photograph.file for photograph in PHOTOGRAPHS)


def demo_images(folder: Path, *, count: int, seed: int, mirror: bool) -> Images:
    """Write *count* crops of the photographs to *folder*, every second one mirrored if *mirror*, and return them.

    The same *seed* gives the same crops. Their sides are 0.7 to all of the photograph's.
    """
    from PIL import Image

    folder.mkdir(parents=True, exist_ok=True)
    # S311: crops must be repeatable, and need not be secret
    chance = random.Random(seed)  # noqa: S311
    pairs = zip(PHOTOGRAPHS, photographs(), strict=True)
    opened = [_part(Image.open(path).convert("RGB"), photograph.part) for photograph, path in pairs]
    paths = []
    for number, name in enumerate(crop_names(count)):
        image = _crop(opened[number % len(opened)], chance)
        if mirror and number % 2:
            image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        path = folder / name
        image.save(path, compress_level=1)
        paths.append(path)
    return Images(tuple(paths), f"{counted(count, 'crop')} of {counted(len(opened), 'photograph')} of scikit-image")


def crop_names(count: int) -> tuple[str, ...]:
    """Return the names of the files that `demo_images` writes."""
    return tuple(f"{number:04d}.png" for number in range(count))


def scene_of(number: int) -> int:
    """Return the number of the scene that crop *number* of `demo_images` shows."""
    scenes = [photograph.scene for photograph in PHOTOGRAPHS]
    return scenes.index(scenes[number % len(scenes)])


def _part(image: Any, part: tuple[int, int, int, int] | None) -> Any:
    if part is None:
        return image
    top, left, bottom, right = part
    return image.crop((left, top, right, bottom))


def _crop(image: Any, chance: random.Random) -> Any:
    width, height = (round(side * chance.uniform(SMALLEST_CROP, 1)) for side in image.size)
    left, top = chance.randint(0, image.width - width), chance.randint(0, image.height - height)
    return image.crop((left, top, left + width, top + height))
