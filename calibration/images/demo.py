"""Real photographs for a first run without own data, from two well-maintained packages.

scikit-image and scikit-learn ship them among their sample data, under free licences; the extra `demo` installs both.
"""

from __future__ import annotations

import importlib.util
import random
from pathlib import Path
from typing import Any

from detlite.accuracy.images import Images
from detlite.convert.extras import install_line
from detlite.runtime.errors import MissingToolError

PHOTOGRAPHS = {
    "skimage": (
        "data/astronaut.png",
        "data/chelsea.png",
        "data/coffee.png",
        "data/motorcycle_left.png",
        "data/motorcycle_right.png",
        "data/rocket.jpg",
    ),
    "sklearn": ("datasets/images/china.jpg", "datasets/images/flower.jpg"),
}
SMALLEST_CROP = 0.5  # of each side: smaller crops show only parts of objects


def photographs() -> tuple[Path, ...]:
    """Return the installed photographs.

    Raises:
        MissingToolError: none are installed.
    """
    found = []
    for package, names in PHOTOGRAPHS.items():
        spec = importlib.util.find_spec(package)
        if spec is not None and spec.origin is not None:
            found += [path for name in names if (path := Path(spec.origin).parent / name).is_file()]
    if not found:
        raise MissingToolError(
            f"no photographs to try with: {install_line('demo')}, or give your own with --images or --coco"
        )
    return tuple(found)


def demo_images(folder: Path, *, count: int, seed: int, mirror: bool) -> Images:
    """Write *count* crops of the photographs to *folder*, every second one mirrored if *mirror*, and return them.

    The same *seed* gives the same crops. Their sides are half to all of the photograph's.
    """
    from PIL import Image

    folder.mkdir(parents=True, exist_ok=True)
    # S311: crops must be repeatable, and need not be secret
    chance = random.Random(seed)  # noqa: S311
    opened = [Image.open(path).convert("RGB") for path in photographs()]
    paths = []
    for number, name in enumerate(crop_names(count)):
        image = _crop(opened[number % len(opened)], chance)
        if mirror and number % 2:
            image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        path = folder / name
        image.save(path, compress_level=1)
        paths.append(path)
    return Images(tuple(paths), f"{count} crops of {len(opened)} photographs of scikit-image and scikit-learn")


def crop_names(count: int) -> tuple[str, ...]:
    """Return the names of the files that `demo_images` writes."""
    return tuple(f"{number:04d}.png" for number in range(count))


def photograph_of(number: int) -> int:
    """Return the number of the photograph that crop *number* of `demo_images` was cut from."""
    return number % len(photographs())


def _crop(image: Any, chance: random.Random) -> Any:
    width, height = (round(side * chance.uniform(SMALLEST_CROP, 1)) for side in image.size)
    left, top = chance.randint(0, image.width - width), chance.randint(0, image.height - height)
    return image.crop((left, top, left + width, top + height))
