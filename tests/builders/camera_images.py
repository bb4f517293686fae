"""Images of a camera: grey ones, with the date in their EXIF."""

from pathlib import Path

import numpy as np
from PIL import Image

TAKEN, CHANGED, SOFTWARE, EXIF_PART = 36867, 306, 305, 0x8769


def write_grey(path: Path, value: int, taken: str | None = None, *, tag: int = TAKEN) -> Path:
    """Write an image of 4 x 4 pixels *value*, *taken* at `2021:07:30 05:12:44`, which the EXIF *tag* says."""
    exif = Image.Exif()
    exif[SOFTWARE] = "made in a test"  # Pillow writes no EXIF into a PNG that has nothing but the inner part
    if taken is not None and tag == TAKEN:
        exif.get_ifd(EXIF_PART)[TAKEN] = taken
    elif taken is not None:
        exif[tag] = taken
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((4, 4, 3), value, np.uint8)).save(path, exif=exif)
    return path
