"""Whether the device has the programs that a deployment needs."""

from __future__ import annotations

from collections.abc import Iterator

from detlite.devices.doctor.finding import Check, Finding, Subject, spoils


def _find(subject: Subject) -> Iterator[Finding]:
    missing = [words[0] for words in subject.answers.lines("tools")]
    if missing:
        yield spoils(
            f"it lacks {', '.join(missing)}, which a deployment needs",
            "install coreutils, util-linux and tar on it (`sudo apt-get install coreutils util-linux tar`)",
        )


PLUGIN = Check("the programs that a deployment needs", _find, ("tools",))
