"""Latencies of Coral boards as the public `benchmark_tflite.py` prints them, the first inference separately."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from detlite.devices.log_lines import ended, real, whole
from detlite.devices.recording import Format
from detlite.runtime.errors import InputError

MODEL = re.compile(r"^Model name: ([^,\n]+)(?:, param num_threads: (\d+))?", re.M)
FIRST = re.compile(r"^First Inference : (\S+) ms", re.M)
STATED = {
    name: re.compile(rf"^ *{re.escape(words)}\(ms\): (\S+)", re.M)
    for name, words in (
        ("p99_ms", "99th_percentile"),
        ("mean_ms", "latency_mean"),
        ("median_ms", "latency_median"),
        ("min_ms", "latency_min"),
    )
}


@dataclass(frozen=True)
class EdgetpuLatency:
    """One model: whether the Edge TPU ran it, its first inference, which uploads the weights, and the others."""

    model: str
    threads: int | None
    is_edgetpu: bool
    first_ms: float | None
    mean_ms: float | None
    median_ms: float | None
    min_ms: float | None
    p99_ms: float | None
    problems: tuple[str, ...] = ()


def parse(text: str) -> tuple[EdgetpuLatency, ...]:
    """Return the models in *text*, in order.

    Raises:
        InputError: there are none.
    """
    text, problems = ended(text)
    begins = [*MODEL.finditer(text)]
    if not begins:
        raise InputError(
            "found no latencies of benchmark_tflite.py: expected `Model name: ...` and `latency_mean(ms): ...`"
        )
    ends = [match.start() for match in begins[1:]] + [len(text)]
    found = [_latency(match, text[match.end() : end]) for match, end in zip(begins, ends, strict=True)]
    return (*found[:-1], replace(found[-1], problems=found[-1].problems + problems))


def _latency(match: re.Match[str], block: str) -> EdgetpuLatency:
    values = {name: real(found[1]) if (found := pattern.search(block)) else None for name, pattern in STATED.items()}
    first = FIRST.search(block)
    lacks = [name for name, value in values.items() if value is None]
    return EdgetpuLatency(
        model=match[1].strip(),
        threads=whole(match[2] or ""),
        is_edgetpu="EdgeTpu delegate" in block,
        first_ms=real(first[1]) if first else None,
        **values,
        problems=(f"missing: {', '.join(lacks)}",) if lacks else (),
    )


PLUGIN = Format(
    title="benchmark_tflite.py on a Coral board",
    recognize=lambda text: bool(MODEL.search(text)) and "First Inference" in text,
    parse=parse,
)
