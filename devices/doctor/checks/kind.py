"""Whether the device is of the kind that the inventory states."""

from __future__ import annotations

from collections.abc import Iterator

from detlite.devices.doctor.finding import Check, Finding, Subject, caution, spoils
from detlite.devices.inventory import HOST


def _find(subject: Subject) -> Iterator[Finding]:
    stated, found = subject.device.kind, subject.kind_name
    if stated in (HOST, found) or subject.has_edgetpu:  # a missing Edge TPU has its own check
        return
    what = f"the inventory says {stated}, but the device answers as {found}: {subject.identity.model}"
    cure = f'set kind = "{found}" of [{subject.device.name}] in the inventory'
    if subject.kind.recognize(subject.answers) is None:
        yield spoils(what, cure)
    else:
        yield caution(f"{what}; its own sensors are not read", cure)


PLUGIN = Check("the device's kind", _find)
