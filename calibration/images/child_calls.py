"""The choice of calibration images in a child process: the request and the answer are JSON."""

from __future__ import annotations

from pathlib import Path

from detlite.calibration.images.gather import CHOOSE, ImageRequest, gather
from detlite.calibration.images.image_cache import default_image_cache
from detlite.runtime.progress import Progress, begin
from detlite.runtime.records import Record


def gather_images(request: Record, progress: Progress) -> Record:
    """Find and choose the images for the `ImageRequest` with the fields of *request*.

    Returns:
        `images` and `others`, the files; their `origin`, and whether they are read `upright`; the
        `skipped` files, and why others are `broken`.
    """
    begin(progress, CHOOSE)
    asked = ImageRequest(**{**request, "paths": tuple(map(Path, request["paths"]))})
    found = gather(asked, default_image_cache(), progress=progress)
    return {
        "images": [str(path) for path in found.images.paths],
        "origin": found.images.origin,
        "upright": found.images.upright,
        "others": [str(path) for path in found.others],
        "broken": list(found.broken),
        "skipped": [str(path) for path in found.images.skipped],
    }
