"""NVIDIA's `jetson_clocks --show`: a Jetson's current clocks, and whether they are fixed at their maximum."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from detlite.devices.log_lines import ended, whole
from detlite.devices.recording import Format
from detlite.runtime.errors import InputError

LINE = re.compile(r"^[ \t]*(cpu\d+|[A-Z][A-Z0-9_]*):?[ \t]+((?:[A-Za-z0-9]+=\S+[ \t]+)*MinFreq=\S.*)$", re.M)
PAIR = re.compile(r"([A-Za-z0-9]+)=(\S+)")
CPUFREQ_HZ = 1000  # the cores' clocks are in kHz, as in cpufreq; all others in Hz


@dataclass(frozen=True)
class JetsonClock:
    """One clock: a core's (`cpu0`), the `GPU`'s, the memory's (`EMC`), or a DLA's.

    Attributes:
        is_online: whether the core is online; None if the line does not say.
        governor: the governor that sets it.
        problems: what is missing from the line.
    """

    name: str
    min_hz: int | None
    max_hz: int | None
    now_hz: int | None
    is_online: bool | None = None
    governor: str | None = None
    problems: tuple[str, ...] = ()

    @property
    def is_held(self) -> bool:
        """Whether it is fixed: its minimum is its maximum."""
        return self.min_hz is not None and self.min_hz == self.max_hz


def parse(text: str) -> tuple[JetsonClock, ...]:
    """Return the clocks in *text*, in order.

    Raises:
        InputError: there are none.
    """
    text, problems = ended(text)
    found = [_clock(match[1], PAIR.findall(match[2])) for match in LINE.finditer(text)]
    if not found:
        raise InputError("found no clocks of jetson_clocks: expected lines such as `GPU MinFreq=... MaxFreq=...`")
    return (*found[:-1], replace(found[-1], problems=found[-1].problems + problems))


def _clock(name: str, pairs: list[tuple[str, str]]) -> JetsonClock:
    values = dict(pairs)
    unit = CPUFREQ_HZ if name.startswith("cpu") else 1
    clocks = [whole(values.get(key, "")) for key in ("MinFreq", "MaxFreq", "CurrentFreq")]
    low, high, now = (None if clock is None else clock * unit for clock in clocks)
    is_whole = None not in clocks and len(values) == len(pairs)
    return JetsonClock(
        name=name,
        min_hz=low,
        max_hz=high,
        now_hz=now,
        is_online={"1": True, "0": False}.get(values.get("Online", "")),
        governor=values.get("Governor"),
        problems=() if is_whole else ("a clock is truncated or unreadable",),
    )


PLUGIN = Format(
    title="NVIDIA's jetson_clocks",
    recognize=lambda text: bool(LINE.search(text)) and "MaxFreq=" in text,
    parse=parse,
)
