"""Whether there is disk space for the model, the program and the run."""

from __future__ import annotations

from collections.abc import Iterator

from detlite.devices.deploy.deploy import ROOM_KIB
from detlite.devices.doctor.finding import Check, Finding, Subject, spoils
from detlite.devices.log_lines import whole


def _find(subject: Subject) -> Iterator[Finding]:
    device = subject.device
    free = whole(subject.answers.given[f"room {device.folder}"].text)
    needed = ROOM_KIB + (0 if subject.model is None else subject.model.size_bytes // 1024)
    if free is None:
        yield spoils(
            f"the free space in {device.folder} cannot be found out",
            f"set `work` of [{device.name}] to another folder",
        )
    elif free < needed:
        yield spoils(
            f"{device.folder} has {free} KiB free, and {needed} KiB are needed",
            f"detlite devices clean {device.name}; or set `work` in the inventory to a folder elsewhere",
        )


PLUGIN = Check("free space", _find, ("room {work}",))
