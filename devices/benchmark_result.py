"""What TFLite's `benchmark_model` measured: it prints sums and no samples, and times the interpreter alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from detlite.devices.parsers.benchmark_model import BenchmarkRun, Taken
from detlite.runtime.counts import counted
from detlite.runtime.errors import DetliteError, InputError
from detlite.runtime.measure.results import Energy, Failure, Interval, QuotedMetric, validity_of
from detlite.runtime.records import from_record, to_record

SCHEMA, SCHEMA_VERSION = "detlite.benchmark_model", 2
READ_VERSIONS = (1, SCHEMA_VERSION)
DRIFT = 0.1  # of the first process, by the last: a clock that falls, or another program
CAUTIONS = (
    "benchmark_model feeds noise of its own, and counts the inference alone: no image is read, nothing post-processed",
    "it prints sums, and no samples: there are no percentiles but those that it prints",
)
GPU_CAUTION = "benchmark_model lets the GPU compute in 16 bits"

Record = dict[str, Any]


@dataclass(frozen=True)
class InvokeSums:
    """The inferences of all processes, in ms.

    Attributes:
        count: how many.
        mean_ms: of all of them.
        mean_range_ms: the least and the greatest mean of a process: processes differ more than the inferences of one.
        min_ms: the shortest.
        max_ms: the longest.
    """

    count: int = 0
    mean_ms: float | None = None
    mean_range_ms: Interval | None = None
    min_ms: float | None = None
    max_ms: float | None = None


@dataclass(frozen=True)
class BenchmarkAsked:
    """How the program was called: its *arguments* besides the model, and how many *processes*."""

    arguments: tuple[str, ...] = ()
    processes: int = 0


@dataclass(frozen=True)
class BenchmarkResult:
    """What `benchmark_model` measured on a device; the fields that `Measurement` has too mean the same.

    Attributes:
        invoke: of the interpreter alone; the program knows no queries.
        program_sha256: of the binary.
        processes: what each process printed.
    """

    invoke: InvokeSums
    threads: int
    runtime: str = ""
    scenario: str = "single-stream"
    reasons: tuple[str, ...] = ()
    cautions: tuple[str, ...] = ()
    metric: QuotedMetric = field(default_factory=lambda: QuotedMetric("invoke_mean_ms"))
    first_ms: float | None = None
    load_ms: float | None = None
    memory_peak_mb: float | None = None
    samples: int = 0
    duration_s: float = 0.0
    placements: tuple[Taken, ...] = ()
    processes: tuple[BenchmarkRun, ...] = ()
    energy: Energy | None = None
    failure: Failure | None = None
    model: str = ""
    model_sha256: str | None = None
    size_bytes: int | None = None
    program_sha256: str | None = None
    protocol: BenchmarkAsked = field(default_factory=BenchmarkAsked)
    affinity: str | None = None
    device: Mapping[str, Any] = field(default_factory=dict)
    detlite: str | None = None
    standing_before: Mapping[str, Any] | None = None
    standing_after: Mapping[str, Any] | None = None
    watched: Mapping[str, Any] | None = None
    emulated: bool = False
    simulated: bool = False

    @property
    def validity(self) -> str:
        """`VALID`, or `INVALID because` of the reasons."""
        return validity_of(self.reasons)

    def to_record(self) -> Record:
        """Return it as JSON can carry it, as version 2 of `detlite.benchmark_model`."""
        return {"schema": SCHEMA, "schema_version": SCHEMA_VERSION, "validity": self.validity, **to_record(self)}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> BenchmarkResult:
        """Return what *record* says, of version 2, or of 1, whose latencies are those of the interpreter.

        Raises:
            InputError: it is of another schema or version, or a value is not what it must be.
        """
        if record.get("schema") != SCHEMA or record.get("schema_version") not in READ_VERSIONS:
            found = f"{record.get('schema')} version {record.get('schema_version')}"
            raise InputError(f"want {SCHEMA} of version 1 or {SCHEMA_VERSION}, got {found}")
        return from_record(cls, record if record["schema_version"] == SCHEMA_VERSION else _current(record))


def benchmark_result(
    runs: Sequence[BenchmarkRun], *, asked_runs: int, delegates: Sequence[str], failure: DetliteError | None = None
) -> BenchmarkResult:
    """Return what *runs*, one a process and all of them whole, say together; *failure* stopped further ones."""
    spreads = [run.inference for run in runs if run.inference is not None]
    means = [spread.mean_ms or 0.0 for spread in spreads]
    samples = sum(spread.count for spread in spreads)
    total_ms = sum(mean * spread.count for mean, spread in zip(means, spreads, strict=True))
    mean_ms = total_ms / samples if samples else None
    reasons = [f"failure: {failure}"] if failure else []
    return BenchmarkResult(
        invoke=InvokeSums(
            count=samples,
            mean_ms=mean_ms,
            mean_range_ms=(min(means), max(means)) if means else None,
            min_ms=min((one.min_ms for one in spreads if one.min_ms is not None), default=None),
            max_ms=max((one.max_ms for one in spreads if one.max_ms is not None), default=None),
        ),
        threads=runs[0].threads or 1,
        reasons=(*reasons, *_reasons(runs, asked_runs, means)),
        cautions=(*CAUTIONS, *((GPU_CAUTION,) if "gpu" in delegates else ())),
        metric=QuotedMetric("invoke_mean_ms", mean_ms),
        first_ms=runs[0].first_ms,
        load_ms=runs[0].init_ms,
        memory_peak_mb=max((run.memory_mb for run in runs if run.memory_mb is not None), default=None),
        samples=samples,
        duration_s=total_ms / 1000,
        placements=runs[0].delegates,
        processes=tuple(runs),
        failure=None if failure is None else Failure(str(failure), failure.exit_status),
    )


def benchmark_text(found: BenchmarkResult, folder: str | None) -> str:
    """Return *found* as lines of text, the verdict last; *folder* is where everything is kept."""
    invoke, identity = found.invoke, found.device.get("identity", {})
    low, high = invoke.mean_range_ms or (None, None)
    facts = {
        "invoke mean": f"{_ms(invoke.mean_ms)}, of the processes {_number(low)} to {_ms(high)}",
        "least, most": f"{_ms(invoke.min_ms)}, {_ms(invoke.max_ms)}",
        "load, first": f"{_ms(found.load_ms)}, {_ms(found.first_ms)}",
        "samples": f"{found.samples}, {counted(len(found.processes), 'process')}",
        "runtime": f"{found.runtime}, {counted(found.threads, 'thread')}",
        "device": f"{identity.get('model')}, {identity.get('chip')}",
    }
    for number, one in enumerate(found.placements, 1):
        taken = "operators"
        if one.taken is not None and one.operators is not None:
            taken = f"{one.taken} of {counted(one.operators, 'operator')}"
        facts[f"delegate {number}"] = f"{one.delegate}: {taken}"
    facts |= {f"caution {number}": text for number, text in enumerate(found.cautions, 1)}
    width = max(map(len, facts))
    lines = [f"{key.ljust(width)}  {value}" for key, value in facts.items()]
    place = f"; {folder}" if folder else ""
    verdict = f"{found.model}: {found.metric.name} {_number(found.metric.value)}, {found.validity}{place}"
    return "\n".join([*lines, verdict]) + "\n"


def _reasons(runs: Sequence[BenchmarkRun], asked_runs: int, means: Sequence[float]) -> list[str]:
    fell_back = dict.fromkeys(name for run in runs for name in run.fell_back)
    reasons = [f"fall back: {name} took none of the model's operators; the CPU ran them" for name in fell_back]
    counts = [run.inference.count for run in runs if run.inference is not None]
    if counts and min(counts) < asked_runs:
        reasons.append(f"count: a process ran {counted(min(counts), 'inference')}, and {asked_runs} are asked")
    if len(means) > 1 and means[0] and means[-1] > (1 + DRIFT) * means[0]:
        slower = f"{means[-1] / means[0]:.2f} times as slow as the first"
        reasons.append(f"throttling, or another program: the last process was {slower}")
    return reasons


def _current(record: Mapping[str, Any]) -> Record:
    """Return a record of version 1, which called the interpreter's times latency."""
    names = {key: f"latency_{key}" for key in ("mean_ms", "mean_range_ms", "min_ms", "max_ms")}
    mean_ms = record.get("latency_mean_ms")
    reasons = record.get("reasons", [] if record.get("validity", "VALID") == "VALID" else [record["validity"]])
    return {
        **record,
        "invoke": {"count": record.get("samples", 0), **{key: record.get(name) for key, name in names.items()}},
        "metric": {"name": "invoke_mean_ms", "value": mean_ms},
        "reasons": reasons,
    }


def _number(value: float | None) -> str:
    return "not known" if value is None else f"{value:.3f}"


def _ms(value: float | None) -> str:
    return "not known" if value is None else f"{value:.3f} ms"
