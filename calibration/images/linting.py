"""Every check there is, over the images of a calibration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from detlite.accuracy.images import Images, images_in
from detlite.calibration.images.check import CHECKS, Check, Inspected
from detlite.calibration.images.confidence import Confidence
from detlite.calibration.images.image_cache import Keep, default_keep
from detlite.calibration.images.thumbnail import kept_thumbnails
from detlite.convert.load import with_heads
from detlite.convert.model import Model
from detlite.runtime.plugins import load_plugins
from detlite.runtime.progress import Progress, silent

Findings = dict[str, list[dict[str, Any]]]


def lint(
    images: Images,
    model: Model | None,
    keep: Keep,
    *,
    against: Path | None = None,
    broken: Sequence[str] = (),
    progress: Progress = silent,
) -> Findings:
    """Return what each check finds in *images*, by its name; nothing found is an empty list.

    Args:
        images: those to calibrate with.
        model: the float model; None where it is not to be asked.
        keep: for thumbnails.
        against: images that must not be among them: a folder, or a file that lists them.
        broken: why others cannot be read.
        progress: what is told of it.

    Raises:
        InputError: an image cannot be read.
    """
    others = images_in(against).paths if against is not None else ()
    inspected = Inspected(
        paths=images.paths,
        thumbnails=kept_thumbnails(images.paths, keep, progress=progress),
        broken=tuple(broken),
        confidence=None if model is None else Confidence(with_heads(model, "raw")),
    )
    if others:
        seen = kept_thumbnails(others, keep, progress=progress)
        inspected = replace(inspected, against=others, against_thumbnails=seen)
    checks: dict[str, Check] = load_plugins(CHECKS)
    found: Findings = {}
    for number, (name, check) in enumerate(checks.items()):
        progress("checks", number, len(checks))
        found[name] = [asdict(finding) for finding in check.find(inspected)]
    progress("checks", len(checks), len(checks))
    return found


def lint_record(request: Mapping[str, Any], model: Model, images: Images, progress: Progress) -> dict[str, Any]:
    """Return the findings that *request* asks for with its `lint`, as `lint` and `lint_failed`; nothing without it."""
    asked = request.get("lint")
    if not asked:
        return {}
    against = Path(asked["against"]) if asked["against"] else None
    is_float = model.contract.image.dtype == "float32"
    found = lint(
        images,
        model if is_float else None,
        default_keep(),
        against=against,
        broken=asked["broken"],
        progress=progress,
    )
    return {"lint": found, "lint_failed": bool(asked["fail"] and any(found.values()))}
