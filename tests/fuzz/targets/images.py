"""Images in every format that is read."""

from pathlib import Path

import numpy as np
from builders.image_files import encoded, picture
from fuzz.target import Target

from detlite.calibration.images.thumbnail import thumbnail
from detlite.runtime.image.read import read_image


def image(kind: str) -> Target:
    name = f"a.{kind.lower()}"

    def read(folder: Path) -> object:
        return read_image(folder / name), thumbnail(folder / name)

    return Target(f"image {kind}", lambda folder: (folder / name).write_bytes(encoded(1, kind)), read)


def array(folder: Path) -> None:
    np.save(folder / "a.npy", picture(1))


TARGETS = (
    *map(image, ("PNG", "JPEG", "BMP", "WEBP", "GIF", "TIFF")),
    Target("image npy", array, lambda folder: read_image(folder / "a.npy")),
)
