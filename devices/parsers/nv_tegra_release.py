"""A Jetson's `/etc/nv_tegra_release`: its L4T version, and so its JetPack."""

from __future__ import annotations

import re
from dataclasses import dataclass

from detlite.devices.log_lines import whole
from detlite.devices.recording import Format
from detlite.runtime.errors import InputError

LINE = re.compile(
    r"^# R(\d{1,4}) \(release\), REVISION: (\d+(?:\.\d+)*)(?:, GCID: (\d+))?(?:, BOARD: ([^,\s]+))?", re.M
)
JETPACKS = {32: 4, 34: 5, 35: 5, 36: 6, 38: 7, 39: 7}
"""JetPack's major version by L4T's."""


@dataclass(frozen=True)
class Release:
    """One release: L4T *major*.*revision* (36, `4.3`), JetPack's major version if known, and the board."""

    major: int
    revision: str
    jetpack: int | None
    board: str | None
    problems: tuple[str, ...] = ()

    @property
    def l4t(self) -> str:
        """L4T's version as NVIDIA writes it: `36.4.3`."""
        return f"{self.major}.{self.revision}"


def parse(text: str) -> tuple[Release, ...]:
    """Return the releases in *text*; the file has one.

    Raises:
        InputError: there are none.
    """
    found = tuple(_release(match) for match in LINE.finditer(text))
    if not found:
        raise InputError("found no L4T release: expected a line such as `# R36 (release), REVISION: 4.3, GCID: ...`")
    return found


def _release(match: re.Match[str]) -> Release:
    major = whole(match[1]) or 0
    problems = [] if major in JETPACKS else [f"unknown which JetPack has L4T {major}"]
    if match[4] is None:
        problems.append("the line is truncated")
    return Release(major, match[2], JETPACKS.get(major), match[4], tuple(problems))


PLUGIN = Format(
    title="a Jetson's nv_tegra_release",
    recognize=lambda text: bool(LINE.search(text)),
    parse=parse,
)
