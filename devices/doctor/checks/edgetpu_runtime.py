"""Whether the Edge TPU's library is installed, and fits the interpreter and the compiled model."""

from __future__ import annotations

import re
from collections.abc import Iterator

from detlite.devices.doctor.finding import Check, Finding, Subject, caution, spoils
from detlite.devices.survey.edgetpu import PACKAGES, clock_of

VERSION = re.compile(r"RuntimeVersion\((\d{1,6})\)")
GOOGLES = re.compile(r"^libedgetpu1-\w+=(1[0-6]\.\d+)(?:-\d+)?$", re.M)
"""Versions of Google's own packages, up to 16.0; later third-party builds name their TensorFlow: `16.0tf2.17.1-1`."""

LAST_TFLITE_RUNTIME = (2, 11)
"""The last version that fits Google's library: the delegate interface changed after it, and the process crashes."""

INSTALL = "install a libedgetpu1-std built for the interpreter's TensorFlow version"


def _find(subject: Subject) -> Iterator[Finding]:
    model = subject.model
    needed = None if model is None else model.edgetpu_runtime
    if needed is None and not subject.has_edgetpu:
        return
    if model is not None and needed is None and model.path.suffix == ".tflite":
        yield caution(
            f"{model.path.name} is not compiled for the Edge TPU: all of it would run on the CPU",
            f"detlite compile {model.path.parent} --target edgetpu -o edgetpu",
        )
    if subject.python is None:
        return
    library = subject.python["libedgetpu"]
    if "error" in library:
        yield spoils(f"libedgetpu.so.1 cannot be loaded: {library['error']}", INSTALL)
        return
    found = VERSION.search(library.get("version", ""))
    if needed is not None and found is not None and int(found[1]) < needed:
        yield spoils(
            f"the model was compiled for the Edge TPU runtime {needed}, and the installed one is {found[1]}",
            f"update libedgetpu, or compile with --min-runtime {found[1]}",
        )
    yield from _fit(subject)


def _fit(subject: Subject) -> Iterator[Finding]:
    packages = subject.answers.said(PACKAGES) or ""
    googles, tflite = GOOGLES.search(packages), subject.version("tflite-runtime")
    is_new = subject.has_module("ai_edge_litert") or not tflite
    if googles and (is_new or _parts(tflite) > LAST_TFLITE_RUNTIME):
        runtime = f"ai-edge-litert {subject.version('ai-edge-litert')}" if is_new else tflite
        yield spoils(
            f"Google's libedgetpu {googles[1]} requires tflite-runtime 2.5 to 2.11, and the interpreter is {runtime}",
            INSTALL,
        )
    if clock_of(packages) is None:
        yield caution(
            "unknown whether the library runs the Edge TPU at the std or the max clock: no Debian package says",
            "state with the figures which one is installed: libedgetpu1-std or libedgetpu1-max",
        )


def _parts(version: str | None) -> tuple[int, ...]:
    return tuple(int(part) for part in (version or "").split(".")[:2] if part.isdecimal())


PLUGIN = Check("the Edge TPU's library", _find)
