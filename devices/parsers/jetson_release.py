"""`jetson_release` from the package jetson-stats: model, JetPack, L4T, module and libraries."""

from __future__ import annotations

import re
from dataclasses import dataclass

from detlite.devices.recording import Format
from detlite.runtime.errors import InputError

COLOUR = re.compile(r"\x1b\[[0-9;]*m")
MODEL = re.compile(r"^\s*Model: *(.+?)(?: - Jetpack (\S+))?(?: \[L4T ([0-9.]+)\])?\s*$", re.M)
FIELDS = {
    "module": re.compile(r"^\s*-? *Module: *(.+?)\s*$", re.M),
    "part_number": re.compile(r"^\s*-? *(?:699-level Part Number|P-Number): *(\S+)\s*$", re.M),
    "cuda": re.compile(r"^\s*-? *CUDA: *([0-9.]+)", re.M),
    "tensorrt": re.compile(r"^\s*-? *TensorRT: *([0-9.]+)", re.M),
    "power_mode": re.compile(r"^\s*NV Power Mode(?:\[\d+\])?: *(.+?)\s*$", re.M),
}


@dataclass(frozen=True)
class JetsonRelease:
    """The board's description of itself; None for what it does not say."""

    model: str
    jetpack: str | None = None
    l4t: str | None = None
    module: str | None = None
    part_number: str | None = None
    cuda: str | None = None
    tensorrt: str | None = None
    power_mode: str | None = None
    problems: tuple[str, ...] = ()


def parse(text: str) -> tuple[JetsonRelease]:
    """Return what *text* says.

    Raises:
        InputError: it is not such a text.
    """
    text = COLOUR.sub("", text)
    model = MODEL.search(text)
    if model is None or not ("Jetpack" in text or "L4T" in text or "jetson" in text.lower()):
        raise InputError("found nothing of jetson_release: expected `Model: NAME - Jetpack VERSION [L4T VERSION]`")
    found = {name: match[1] for name, pattern in FIELDS.items() if (match := pattern.search(text))}
    lacks = [name for name, value in (("JetPack", model[2]), ("L4T", model[3])) if value is None]
    problems = (f"missing: {', '.join(lacks)}",) if lacks else ()
    return (JetsonRelease(model[1], model[2], model[3], **found, problems=problems),)


PLUGIN = Format(
    title="jetson_release, of jetson-stats",
    recognize=lambda text: bool(re.search(r"^\s*Model: .*\[L4T ", COLOUR.sub("", text), re.M)),
    parse=parse,
)
