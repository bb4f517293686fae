"""Whether a Jetson has trtexec, which builds and measures engines."""

from __future__ import annotations

from collections.abc import Iterator

from detlite.devices.doctor.finding import Check, Finding, Subject, caution, spoils

TRTEXEC = "/usr/src/tensorrt/bin/trtexec"
QUESTION = f"test -x {TRTEXEC}"


def _find(subject: Subject) -> Iterator[Finding]:
    if "trtexec" not in subject.kind.runtimes or subject.answers.said(QUESTION) is not None:
        return
    is_needed = subject.model is not None and subject.model.path.suffix == ".onnx"
    level = spoils if is_needed else caution
    yield level(f"it has no {TRTEXEC}: it cannot build a TensorRT engine", "sudo apt-get install libnvinfer-bin")


PLUGIN = Check("TensorRT", _find, (f"run {QUESTION}",))
