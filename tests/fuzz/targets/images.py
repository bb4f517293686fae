"""Images in every format that is read."""

from pathlib import Path

import numpy as np
from builders.image_files import encoded, picture
from fuzz.target import Target

from detlite.calibration.images.thumbnail import thumbnail
from detlite.runtime.board.frames import frames_in, names_of
from detlite.runtime.image.read import read_image


def image(kind: str) -> Target:
    name = f"a.{kind.lower()}"

    def read(folder: Path) -> object:
        return read_image(folder / name), thumbnail(folder / name)

    return Target(f"image {kind}", lambda folder: (folder / name).write_bytes(encoded(1, kind)), read)


def array(folder: Path) -> None:
    np.save(folder / "a.npy", picture(1))


def frames(folder: Path) -> None:
    np.save(folder / "a.npy", np.stack([picture(1, 20), picture(2, 20)]))
    (folder / "a.20x20.rgb").write_bytes(picture(1, 20).tobytes() * 2)


def read_frames(folder: Path) -> object:
    paths = [folder / "a.npy", folder / "a.20x20.rgb"]
    return names_of(paths), list(frames_in(paths))


TARGETS = (
    *map(image, ("PNG", "JPEG", "BMP", "WEBP", "GIF", "TIFF")),
    Target("frames of a video for a board", frames, read_frames),
    Target("image npy", array, lambda folder: read_image(folder / "a.npy")),
)
