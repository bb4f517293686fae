"""Images that cannot be read."""

from __future__ import annotations

from detlite.calibration.images.check import LintCheck, LintedImages, LintFinding


def find(inspected: LintedImages) -> list[LintFinding]:
    """Return one finding for each image that cannot be read; it was not calibrated with."""
    return [LintFinding(reason, "mend it or remove it; the others were taken") for reason in inspected.broken]


PLUGIN = LintCheck(title="broken images", find=find)
