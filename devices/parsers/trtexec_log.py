"""The log of TensorRT's `trtexec`, versions 8 to 11: whether it passed, on what, and its summary."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from detlite.devices.log_lines import real
from detlite.devices.recording import Format
from detlite.runtime.errors import InputError

BANNER = re.compile(r"&&&& (RUNNING|PASSED|FAILED) TensorRT\.trtexec \[TensorRT v(\d{1,8})\](?: \[b\d+\])?(?: # (.*))?")
SUMMARY = "=== Performance summary ==="
LINE = re.compile(r"\[[IWE]\] (.*)$")
SPREAD = re.compile(r"([A-Z][A-Za-z0-9 -]*): min = (\S+) ms, max = (\S+) ms, mean = (\S+) ms, median = (\S+) ms(.*)")
PERCENTILE = re.compile(r"percentile\((\d{1,2}(?:\.\d+)?)%\) = (\S+) ms")
VALUE = re.compile(r"([A-Z][A-Za-z0-9 -]*): (\S.*)$")
BUILT = re.compile(r"Engine built in (\S+) sec")
ERROR = re.compile(r"\[E\] (.*)$")
MOST_ERRORS = 5


@dataclass(frozen=True)
class TrtexecSpread:
    """One line of the summary, in ms; *percentiles_ms* by percent, those that the version prints."""

    min_ms: float
    max_ms: float
    mean_ms: float
    median_ms: float
    percentiles_ms: Mapping[str, float]


@dataclass(frozen=True)
class TrtexecRun:
    """One run of trtexec.

    Attributes:
        version: TensorRT's version: `8.0.1`, `10.3.0`.
        passed: whether its last line says so; None if that is missing.
        command: its arguments.
        gpu: the device's name.
        compute_capability: of the GPU: `8.7`.
        precision: the precisions that the engine may use: `FP32+FP16`.
        build_s: seconds to build the engine, if the version prints it.
        throughput_qps: queries per second; a query is a batch.
        spreads: by their name in the summary: `Latency`, `GPU Compute Time`, `H2D Latency`.
        errors: its first error lines.
        problems: what is missing from the text, or contradicts itself.
    """

    version: str | None
    passed: bool | None
    command: str | None
    gpu: str | None
    compute_capability: str | None
    precision: str | None
    build_s: float | None
    throughput_qps: float | None
    spreads: Mapping[str, TrtexecSpread]
    errors: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


def version_of(digits: str) -> str | None:
    """Return the version in the banner: `v8001` is 8.0.1 and `v100300` is 10.3.0; None for any other form."""
    if len(digits) == 4:
        return f"{digits[0]}.{digits[1]}.{int(digits[2:])}"
    if len(digits) == 6:
        return f"{int(digits[:2])}.{int(digits[2:4])}.{int(digits[4:])}"
    return None


def parse(text: str) -> tuple[TrtexecRun, ...]:
    """Return the runs in *text*, in order.

    Raises:
        InputError: there are none.
    """
    runs = _split(text.splitlines())
    if not runs:
        raise InputError(
            "found no run of trtexec: expected `&&&& RUNNING TensorRT.trtexec [TensorRT v...]`, or a summary"
        )
    return tuple(_run(lines) for lines in runs)


def _split(lines: list[str]) -> list[list[str]]:
    """Return the lines of each run: a banner begins one, or a second summary if banners are missing."""
    runs: list[list[str]] = []
    ended = True
    for line in lines:
        banner = BANNER.search(line)
        starts = banner is not None and banner[1] == "RUNNING"
        if starts or (SUMMARY in line and (ended or any(SUMMARY in one for one in runs[-1]))):
            runs.append([])
            ended = False
        if runs and not ended:
            runs[-1].append(line)
        ended = ended or (banner is not None and not starts)
    return runs


def _run(lines: list[str]) -> TrtexecRun:
    banners = [found for line in lines if (found := BANNER.search(line))]
    said = [found[1] for line in lines if (found := LINE.search(line))]
    values = {found[1]: found[2].strip() for line in said if (found := VALUE.match(line))}
    last = banners[-1] if banners and banners[-1][1] != "RUNNING" else None
    built = next((found for line in said if (found := BUILT.search(line))), None)
    spreads = dict(pair for line in said if (pair := _spread(line)) is not None)
    return TrtexecRun(
        version=version_of(banners[0][2]) if banners else None,
        passed=None if last is None else last[1] == "PASSED",
        command=next((banner[3].strip() for banner in banners if banner[3]), None),
        gpu=values.get("Selected Device"),
        compute_capability=values.get("Compute Capability"),
        precision=values.get("Precision"),
        build_s=real(built[1]) if built else None,
        throughput_qps=real(values.get("Throughput", "").removesuffix(" qps")),
        spreads=spreads,
        errors=tuple(found[1].strip()[:300] for line in lines if (found := ERROR.search(line)))[:MOST_ERRORS],
        problems=_problems(banners, said, last),
    )


def _spread(line: str) -> tuple[str, TrtexecSpread] | None:
    found = SPREAD.match(line)
    numbers = [real(found[index]) for index in range(2, 6)] if found else [None]
    if found is None or None in numbers:
        return None
    percentiles = {percent: ms for percent, text in PERCENTILE.findall(found[6]) if (ms := real(text)) is not None}
    least, most, mean, median = (number for number in numbers if number is not None)
    return found[1], TrtexecSpread(least, most, mean, median, percentiles)


def _problems(banners: list[re.Match[str]], said: list[str], last: re.Match[str] | None) -> tuple[str, ...]:
    found = (
        [] if last is not None else ["it ends before `&&&& PASSED` or `&&&& FAILED`: truncated, or the program died"]
    )
    if len({banner[2] for banner in banners}) > 1:
        found.append("the banners name several versions of TensorRT")
    spreads = Counter(match[1] for line in said if (match := SPREAD.match(line)))
    found += [f"{name} occurs {count} times in one run" for name, count in spreads.items() if count > 1]
    if last is not None and last[1] == "PASSED" and not spreads:
        found.append("it has no summary: the engine was built but not run")
    return tuple(found)


PLUGIN = Format(
    title="TensorRT's trtexec",
    recognize=lambda text: "TensorRT.trtexec" in text or SUMMARY in text,
    parse=parse,
)
