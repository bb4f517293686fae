"""Images of the validation split among those to calibrate with: what is scored on them is too good."""

from __future__ import annotations

from detlite.calibration.images.check import LintCheck, LintedImages, LintFinding
from detlite.calibration.images.similar import pairs
from detlite.runtime.counts import agreed, counted


def find(inspected: LintedImages) -> list[LintFinding]:
    """Return one finding that names every image whose content is in the validation split, under whatever name."""
    found = dict(reversed(list(pairs(inspected.thumbnails, inspected.against_thumbnails))))
    if not found:
        return []
    one, other = min(found.items())
    return [
        LintFinding(
            f"{len(found)} of {counted(len(inspected.paths), 'image')} {agreed(len(found), 'is', 'are')} in the "
            f"validation split: {inspected.paths[one].name} is {inspected.against[other].name} there",
            "leave them out: a score on images that the model was calibrated with is no proof",
            inspected.names(sorted(found)),
        )
    ]


PLUGIN = LintCheck(title="images of the validation split, by content", find=find)
