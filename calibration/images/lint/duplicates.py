"""Pictures that are there more than once, whatever their names, sizes and formats."""

from __future__ import annotations

from detlite.calibration.images.check import LintCheck, LintedImages, LintFinding
from detlite.calibration.images.similar import groups
from detlite.runtime.counts import counted


def find(inspected: LintedImages) -> list[LintFinding]:
    """Return one finding for each picture that is there more than once."""
    return [
        LintFinding(
            f"{counted(len(group), 'image')} show the same: "
            f"{', '.join(inspected.paths[one].name for one in group[:4])}",
            "keep one of them: each counts as much as a scene of its own in the ranges",
            inspected.names(group),
        )
        for group in groups(inspected.thumbnails)
    ]


PLUGIN = LintCheck(title="duplicates and near-duplicates", find=find)
