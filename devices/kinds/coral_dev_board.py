"""Google's Coral Dev Board and Dev Board Mini, over ssh."""

from __future__ import annotations

from dataclasses import replace

from detlite.devices.kinds.coral_usb import FIRST_INFERENCE
from detlite.devices.kinds.coral_usb import PLUGIN as USB
from detlite.devices.survey.linux import MODEL
from detlite.devices.survey.questions import Answers

NAMES = ("Phanbell", "Excelsior", "Coral Dev Board")
"""Names in /proc/device-tree/model: the Dev Board, the Mini, and one that both may have."""


def _recognize(answers: Answers) -> str | None:
    model = answers.text(MODEL) or ""
    return f"its device tree says {model}" if any(name.lower() in model.lower() for name in NAMES) else None


PLUGIN = replace(
    USB,
    title="a Coral Dev Board",
    rank=20,
    recognize=_recognize,
    cautions=(FIRST_INFERENCE, "its Edge TPU slows down when hot: see the Edge TPU's temperature"),
)
