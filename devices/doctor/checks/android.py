"""What depends on the Android version."""

from __future__ import annotations

from collections.abc import Iterator

from detlite.devices.doctor.finding import Check, Finding, Subject, caution
from detlite.devices.kinds.pixel import nnapi_caution


def _find(subject: Subject) -> Iterator[Finding]:
    text = nnapi_caution(subject.identity)
    if text is not None:
        yield caution(text, "measure on the CPU or the GPU instead")


PLUGIN = Check("Android's version", _find)
