"""TFLite's `benchmark_model`: plain (TF 2.9 and older), with `INFO: ` prefixes, in logcat, or with percentiles."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from detlite.devices.log_lines import ended, ms, plain_lines, real, whole
from detlite.devices.recording import Format
from detlite.runtime.errors import InputError

STATS = re.compile(r"count=(\d+)((?: +[a-z0-9]+=\S+)*)")
PAIR = re.compile(r"([a-z0-9]+)=(\S+)")
TIMINGS = re.compile(r"Inference timings in us: (.*)")
PARAMETER = re.compile(r"([#A-Za-z][^:\[\]]{0,80}): \[(.*)\]$")
REPLACED = re.compile(
    r"Replacing (\d+) out of (\d+) node\(s\) with delegate \(([^)]*)\) node, yielding (\d+) partitions"
)
APPLIED = re.compile(r"Explicitly applied (\S+) delegate, and the model graph will be (partially|completely) executed")
KERNELS = re.compile(r"w/ (\d+) delegate kernels")
IGNORED = re.compile(r"Though (\S+) delegate is explicitly applied, the model graph will not be executed")
MEMORY = re.compile(r"(?:Memory footprint delta|Peak memory footprint).*init=(\S+) overall=(\S+)")
INITIALIZED = re.compile(r"Initialized session in (\S+)ms\.")
MODEL_SIZE = re.compile(r"The input model file size \(MB\): (\S+)")
FAILED = ("Benchmarking failed", "Failed to ")
ASKED = {"Use gpu": "GPU", "Use NNAPI": "NNAPI", "Use xnnpack": "XNNPACK", "Use Hexagon": "Hexagon"}
STATED = ("Init", "First inference", "Warmup (avg)", "Inference (avg)")
SAME = 1e-4  # the mean is printed with six digits


@dataclass(frozen=True)
class Spread:
    """The program's statistics of inference times; None for what it does not print."""

    count: int
    first_ms: float | None = None
    last_ms: float | None = None
    min_ms: float | None = None
    max_ms: float | None = None
    mean_ms: float | None = None
    std_ms: float | None = None
    p5_ms: float | None = None
    median_ms: float | None = None
    p95_ms: float | None = None


@dataclass(frozen=True)
class Taken:
    """What a delegate took: *taken* of *operators* in *partitions*; None for what the program does not print."""

    delegate: str
    taken: int | None
    operators: int | None
    partitions: int | None


@dataclass(frozen=True)
class BenchmarkRun:
    """One run of benchmark_model.

    Attributes:
        graph: the model's path, as given to the program.
        threads: the interpreter's threads.
        parameters: the options as the program prints them.
        init_ms: time to load and prepare the model.
        first_ms: the first inference.
        warm_up: the warm-up inferences.
        inference: the measured ones; `count` is how many ran: `--num_runs` is a minimum, limited by `--max_secs`.
        delegates: those that took operators.
        fell_back: delegates that were requested and took nothing.
        failure: the program's own message if it failed.
        problems: what is missing from the text, or contradicts itself.
    """

    graph: str | None = None
    threads: int | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    init_ms: float | None = None
    first_ms: float | None = None
    warm_up: Spread | None = None
    inference: Spread | None = None
    model_size_mb: float | None = None
    init_memory_mb: float | None = None
    memory_mb: float | None = None
    delegates: tuple[Taken, ...] = ()
    fell_back: tuple[str, ...] = ()
    failure: str | None = None
    problems: tuple[str, ...] = ()


def parse(text: str) -> tuple[BenchmarkRun, ...]:
    """Return the runs in *text*, in order.

    Raises:
        InputError: there are none.
    """
    text, problems = ended(text)
    runs = [_run(lines) for lines in _split(plain_lines(text))]
    if not runs:
        raise InputError(
            "found no run of benchmark_model: expected its lines from `Graph: [...]` to `Inference timings`"
        )
    return (*runs[:-1], replace(runs[-1], problems=runs[-1].problems + problems))


def _split(lines: list[str]) -> list[list[str]]:
    """Return the lines of each run: `STARTING!` begins one, and so does a line that cannot follow the previous end."""
    runs: list[list[str]] = []
    ended = True
    for line in lines:
        begins = line == "STARTING!" or (ended and (STATS.match(line) or PARAMETER.match(line)))
        verbose = line.startswith("Log parameter values verbosely") and bool(runs) and runs[-1] != ["STARTING!"]
        if begins or verbose:
            runs.append([])
            ended = False
        if runs and (not ended or MEMORY.search(line)):
            runs[-1].append(line)
        ended = ended or bool(TIMINGS.match(line)) or line.startswith("Benchmarking failed")
    return [run for run in runs if run != ["STARTING!"]]


def _run(lines: list[str]) -> BenchmarkRun:
    whole_text = "\n".join(lines)
    parameters = {found[1].strip(): found[2] for line in lines if (found := PARAMETER.match(line))}
    spreads = [spread for line in lines if (spread := _spread(line)) is not None]
    memory = MEMORY.search(whole_text)
    run = BenchmarkRun(
        graph=parameters.get("Graph"),
        threads=whole(parameters.get("Num threads") or parameters.get("#threads used for CPU inference", "")),
        parameters=parameters,
        init_ms=_found_ms(INITIALIZED, whole_text),
        model_size_mb=_found_ms(MODEL_SIZE, whole_text),
        init_memory_mb=real(memory[1]) if memory else None,
        memory_mb=real(memory[2]) if memory else None,
        delegates=_delegates(lines),
        failure=next((line.strip()[:300] for line in lines if line.startswith(FAILED)), None),
    )
    timings = next((found[1] for line in lines if (found := TIMINGS.match(line))), None)
    run = _with_times(run, spreads, timings)
    return replace(run, fell_back=_fell_back(run, lines))


def _spread(line: str) -> Spread | None:
    found = STATS.match(line)
    if found is None or (count := whole(found[1])) is None:
        return None
    times = {key: ms(value) for key, value in PAIR.findall(found[2])}
    only = times.get("curr") if count == 1 else None  # a single run prints only that
    return Spread(
        count=count,
        first_ms=times.get("first", only),
        last_ms=times.get("curr"),
        min_ms=times.get("min", only),
        max_ms=times.get("max", only),
        mean_ms=times.get("avg", only),
        std_ms=times.get("std"),
        p5_ms=times.get("p5"),
        median_ms=times.get("median", only),
        p95_ms=times.get("p95"),
    )


def _with_times(run: BenchmarkRun, spreads: list[Spread], timings: str | None) -> BenchmarkRun:
    """Return *run* with the first spread as its warm-up and the second as its measurement, in printing order."""
    stated = {} if timings is None else {key.strip(): ms(value) for key, value in _pairs(timings)}
    mean = stated.get("Inference (avg)")
    problems = [] if timings is not None else ["it ends before `Inference timings`: truncated, or the program failed"]
    lacks = [key for key in STATED if stated.get(key) is None]
    if timings is not None and lacks:
        problems.append(f"`Inference timings` lacks {', '.join(lacks)}")
    if len(spreads) == 1 and _same(spreads[0].mean_ms, mean):
        spreads = [Spread(0), *spreads]  # the text begins after the warm-up
    inference = spreads[1] if len(spreads) > 1 else None
    if inference is not None and mean is not None and not _same(inference.mean_ms, mean):
        problems.append(f"the mean is {inference.mean_ms} ms on one line and {mean} ms on another")
    if inference is None and timings is not None:
        problems.append("the line `count=... avg=...` of the measurement is missing")
    return replace(
        run,
        init_ms=stated.get("Init") or run.init_ms,
        first_ms=stated.get("First inference") or (spreads[0].first_ms if spreads else None),
        warm_up=spreads[0] if spreads and spreads[0].count else None,
        inference=inference or (None if mean is None else Spread(0, mean_ms=mean)),
        problems=tuple(problems),
    )


def _pairs(timings: str) -> list[tuple[str, str]]:
    return [(key, value) for key, colon, value in (part.partition(": ") for part in timings.split(", ")) if colon]


def _same(one: float | None, other: float | None) -> bool:
    return one is not None and other is not None and abs(one - other) <= SAME * max(one, other, 1e-9)


def _found_ms(pattern: re.Pattern[str], text: str) -> float | None:
    found = pattern.search(text)
    return ms(found[1], per_ms=1) if found else None


def _delegates(lines: list[str]) -> tuple[Taken, ...]:
    taken = [Taken(f[3], whole(f[1]), whole(f[2]), whole(f[4])) for line in lines if (f := REPLACED.search(line))]
    if taken:
        return tuple(taken)
    found = []
    for line in lines:
        if applied := APPLIED.search(line):
            kernels = KERNELS.search(line)
            whole_graph = 1 if applied[2] == "completely" else None  # no number is printed then
            found.append(Taken(applied[1], None, None, whole(kernels[1]) if kernels else whole_graph))
    return tuple(found)


def _fell_back(run: BenchmarkRun, lines: list[str]) -> tuple[str, ...]:
    """Return the requested delegates that took nothing; for GPU and NNAPI also if no line mentions them."""
    asked = [name for key, name in ASKED.items() if run.parameters.get(key) in ("1", "true")]
    ignored = [found[1] for line in lines if (found := IGNORED.search(line))]
    took = {one.delegate.upper() for one in run.delegates if one.taken != 0}
    silent = [name for name in asked if name != "XNNPACK" and not any(name.upper() in one for one in took)]
    return tuple(dict.fromkeys([*ignored, *silent]))


PLUGIN = Format(
    title="TFLite's benchmark_model",
    recognize=lambda text: bool(re.search(r"\bcount=\d+ .{0,100}curr=|Inference timings in us:", text)),
    parse=parse,
)
