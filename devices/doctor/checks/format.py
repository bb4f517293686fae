"""Whether the device can run the model's file format."""

from __future__ import annotations

from collections.abc import Iterator

from detlite.devices.doctor.finding import Check, Finding, Subject, spoils


def _find(subject: Subject) -> Iterator[Finding]:
    model = subject.model
    if model is not None and model.path.suffix not in subject.kind.formats:
        yield spoils(
            f"{model.path.name}: {subject.kind.title} runs {' and '.join(subject.kind.formats)} files",
            f"give a {subject.kind.formats[0]}",
        )


PLUGIN = Check("the model's format", _find)
