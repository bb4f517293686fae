"""Text from files and devices, made safe for a terminal: control characters in it are shown, not obeyed."""

from __future__ import annotations

import re

CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""C0 without tab and line feed, DEL, C1, and the characters that reorder text or break a line."""


def printable(text: str) -> str:
    """Return *text* with each control character but tab and line feed as an escape of JSON: `\\u001b`."""
    return CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
