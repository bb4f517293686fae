"""Whether interpreters and programs exist for the device's processor."""

from __future__ import annotations

from collections.abc import Iterator

from detlite.devices.deploy.files import check_architecture, device_file
from detlite.devices.doctor.finding import Check, Finding, Subject, spoils
from detlite.runtime.errors import InputError

MACHINES = ("aarch64", "arm64", "x86_64")
"""The `uname -m` of machines for which ai-edge-litert has wheels."""


def _find(subject: Subject) -> Iterator[Finding]:
    machine = subject.answers.said("uname -m") or "unknown"
    own = subject.device.benchmark_model
    if own is not None:
        try:
            check_architecture(device_file(own, is_program=True), machine, subject.device.name)
        except InputError as error:
            yield spoils(str(error), "give a benchmark_model built for it")
    if machine not in MACHINES and own is None and not subject.version("tflite-runtime"):
        yield spoils(
            f"it is {machine}: ai-edge-litert supports only {', '.join(MACHINES)}",
            "install a 64-bit system, or tflite-runtime, which has wheels for armv7l",
        )


PLUGIN = Check("the architecture", _find)
