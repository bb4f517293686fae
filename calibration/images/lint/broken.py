"""Images that cannot be read."""

from __future__ import annotations

from detlite.calibration.images.check import Check, Finding, Inspected


def find(inspected: Inspected) -> list[Finding]:
    """Return one finding for each image that cannot be read; it was not calibrated with."""
    return [Finding(reason, "mend it or remove it; the others were taken") for reason in inspected.broken]


PLUGIN = Check(title="broken images", find=find)
