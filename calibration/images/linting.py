"""Running every check on calibration images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from detlite.accuracy.images import Images, images_in
from detlite.calibration.images.check import CHECKS, LintCheck, LintedImages, LintFinding
from detlite.calibration.images.confidence import Confidence
from detlite.calibration.images.image_cache import ImageCache, default_image_cache
from detlite.calibration.images.thumbnail import cached_thumbnails
from detlite.calibration.recipe import LintRequest
from detlite.convert.load import with_heads
from detlite.convert.model import Model
from detlite.runtime.boxes.scores import SCORES
from detlite.runtime.plugins import load_plugins
from detlite.runtime.progress import Progress, silent

Findings = dict[str, list[LintFinding]]


def lint(
    images: Images,
    model: Model | None,
    cache: ImageCache,
    *,
    against: Path | None = None,
    broken: Sequence[str] = (),
    progress: Progress = silent,
) -> Findings:
    """Return the findings of each check in *images*, by its name; an empty list if it finds nothing.

    Args:
        images: the calibration images.
        model: the float model; None to leave out the checks that need it.
        cache: for thumbnails.
        against: images that must not be among them: a folder, or a file that lists them.
        broken: why other files cannot be read.
        progress: called during the work.

    Raises:
        InputError: an image cannot be read.
    """
    others = None if against is None else replace(images_in(against), upright=images.upright)
    inspected = LintedImages(
        paths=images.paths,
        upright=images.upright,
        thumbnails=cached_thumbnails(images, cache, progress=progress),
        broken=tuple(broken),
        confidence=None if model is None else _confidence(with_heads(model, "raw")),
    )
    if others is not None:
        seen = cached_thumbnails(others, cache, progress=progress)
        inspected = replace(inspected, against=others.paths, against_thumbnails=seen)
    checks: dict[str, LintCheck] = load_plugins(CHECKS)
    found: Findings = {}
    for number, (name, check) in enumerate(checks.items()):
        progress("checks", number, len(checks))
        found[name] = check.find(inspected)
    progress("checks", len(checks), len(checks))
    return found


def _confidence(model: Model) -> Confidence | None:
    """Return *model* open to be asked how sure it is; None where its outputs are classes without scores."""
    return Confidence(model) if SCORES in model.contract.roles else None


def lint_record(asked: LintRequest | None, model: Model, images: Images, progress: Progress) -> dict[str, Any]:
    """Return `lint`, the findings by check, and `lint_failed`; an empty record if nothing is *asked*."""
    if asked is None:
        return {}
    is_float = model.contract.image.dtype == "float32"
    found = lint(
        images,
        model if is_float else None,
        default_image_cache(),
        against=asked.against,
        broken=asked.broken,
        progress=progress,
    )
    record = {name: [asdict(finding) for finding in findings] for name, findings in found.items()}
    return {"lint": record, "lint_failed": bool(asked.fail and any(found.values()))}
