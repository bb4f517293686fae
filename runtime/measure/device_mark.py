"""The word that marks every figure of an emulated or simulated device."""

from __future__ import annotations

from typing import Any, Mapping

EMULATED, SIMULATED = "emulated", "simulated"


def mark_of(record: Mapping[str, Any]) -> str:
    """Return the word that marks the numbers of *record*, or of the device that it describes; "" for a real one."""
    return SIMULATED if record.get(SIMULATED) else EMULATED if record.get(EMULATED) else ""


def marked_text(text: str, word: str) -> str:
    """Return *text* with *word* before each line, so that no line can be quoted without it."""
    return "".join(f"{word}: {line}\n" for line in text.splitlines())
