"""What a measurement found: one shape, whether models were measured by a scenario, in turn, or on a device.

`latency` is always the whole query, from when it was due to its detections: input, invoke and post-processing.
`invoke` is always the interpreter alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Dict, Mapping, Optional, Sequence, Tuple

from detlite.runtime.errors import InputError
from detlite.runtime.measure.older_records import OLDER_VERSIONS, current_record
from detlite.runtime.measure.protocol import Protocol
from detlite.runtime.measure.statistics import Drift
from detlite.runtime.records import from_record, to_record
from detlite.runtime.runners.placement import Placement
from detlite.runtime.runners.profile import OperatorChange, OperatorTime

SCHEMA, SCHEMA_VERSION = "detlite.measurement", 3
READ_VERSIONS = (*OLDER_VERSIONS, SCHEMA_VERSION)

SPARSE = (
    *("profile", "profile_failure", "profile_differences", "against", "affinity", "standing_before", "standing_after"),
    *("watched", "engine", "onnx_sha256", "emulated", "simulated"),
)
"""Keys that a record has only where there is something to say."""

Record = Dict[str, Any]
Interval = Tuple[float, float]


@dataclass(frozen=True)
class Latency:
    """What one thing took, of all processes together, in ms.

    A percentile is the smallest time that so many of all do not exceed (nearest rank, as MLPerf counts); None where
    there are too few samples to tell: 5 for p50, 29 for p90, 59 for p95, 299 for p99.

    Attributes:
        count: how many times are counted.
        p50_interval_ms: the 95 % interval of `p50_ms`; the others likewise.
    """

    count: int = 0
    p50_ms: Optional[float] = None
    p90_ms: Optional[float] = None
    p95_ms: Optional[float] = None
    p99_ms: Optional[float] = None
    mean_ms: Optional[float] = None
    min_ms: Optional[float] = None
    max_ms: Optional[float] = None
    p50_interval_ms: Optional[Interval] = None
    p90_interval_ms: Optional[Interval] = None
    p95_interval_ms: Optional[Interval] = None
    p99_interval_ms: Optional[Interval] = None

    def percentile_ms(self, percent: int) -> Optional[float]:
        """Return p50, p90, p95 or p99."""
        value: Optional[float] = getattr(self, f"p{percent}_ms")
        return value

    def interval_ms(self, percent: int) -> Optional[Interval]:
        """Return the 95 % interval of p50, p90, p95 or p99."""
        value: Optional[Interval] = getattr(self, f"p{percent}_interval_ms")
        return value


@dataclass(frozen=True)
class QuotedMetric:
    """What is quoted of a measurement: *name* ends in its unit; *value* is None where nothing can be quoted."""

    name: str
    value: Optional[float] = None


@dataclass(frozen=True)
class Stages:
    """The median of each stage in ms; None where it was not run, or not told apart.

    `decode` and `preprocess` are of the images, before the measurement; the others are the parts of a query.
    """

    decode: Optional[float] = None
    preprocess: Optional[float] = None
    input: Optional[float] = None
    invoke: Optional[float] = None
    postprocess: Optional[float] = None


@dataclass(frozen=True)
class MeasuredImage:
    """An image that was run: its place among those given, its name and sha256, and what reading it took."""

    index: int
    name: str
    sha256: str
    height: int = 0
    width: int = 0
    decode_ns: int = 0
    preprocess_ns: int = 0


@dataclass(frozen=True)
class Energy:
    """The energy of a run.

    Attributes:
        source: what told it: powercap, sensors, battery, or the program that was watched.
        energy_mj: in all, in millijoules.
        mean_power_mw: in milliwatts.
        energy_per_sample_mj: its share for each sample that was run.
    """

    source: str
    energy_mj: Optional[float] = None
    mean_power_mw: Optional[float] = None
    energy_per_sample_mj: Optional[float] = None


@dataclass(frozen=True)
class ProcessResult:
    """One process of a measurement.

    Attributes:
        load_ms: opening the model; None where another program measured.
        first_ms: the very first inference, which may pay for much that no later one does.
        warm_up_samples: how many were run before any counted.
        warm_up_cut: how many more were cut, because times were still falling.
        samples_set_aside: samples of an earlier attempt at this process, which was cut short: not counted.
        samples: how many count.
        duration_s: from the first query to the last answer.
        latency_p50_ms: the median of its queries.
        invoke_p50_ms: the median of the interpreter alone.
        drift: its last quarter against its first; None with under 20 samples.
        memory_peak_bytes: the most resident memory; None where the system does not say.
        completed: whether it came to its end.
    """

    load_ms: Optional[float] = None
    first_ms: Optional[float] = None
    warm_up_samples: int = 0
    warm_up_cut: int = 0
    samples_set_aside: int = 0
    samples: int = 0
    duration_s: float = 0.0
    latency_p50_ms: Optional[float] = None
    invoke_p50_ms: Optional[float] = None
    drift: Optional[Drift] = None
    memory_peak_bytes: Optional[int] = None
    completed: bool = True


@dataclass(frozen=True)
class ProcessSamples:
    """Every time of one process in ns, in order: of its queries, and of the interpreter alone."""

    latency: Tuple[int, ...] = ()
    invoke: Tuple[int, ...] = ()


@dataclass(frozen=True)
class Failure:
    """What stopped a run: its text, the exit status that it has on the command line, and the process, from 1."""

    text: str
    exit_status: int
    process: Optional[int] = None


@dataclass(frozen=True)
class Measurement:
    """What was measured, how, and whether it may be quoted.

    Attributes:
        model: the path of the model file.
        model_sha256: of the file, as it was read.
        scenario: `single-stream`, `multi-stream`, `server` or `offline`.
        preset: how much was measured, by name; None for models that were measured in turn.
        metric: what the scenario quotes.
        latency: of whole queries, from when each was due to its detections.
        invoke: of the interpreter alone.
        figures: what else the scenario says, by name: `streams`, `samples_per_second`, `limit_ms`, ...
        stages_p50_ms: the medians of the stages.
        samples: how many count, of all processes.
        queries: how many there were.
        duration_s: of all processes.
        reasons: why the measurement is INVALID; empty where it is VALID.
        cautions: what a reader of the numbers must know, one sentence each.
        size_bytes: of the model file.
        backend: what ran it, by its plug-in's name.
        runtime: the package and its version.
        threads: of the interpreter.
        placements: which delegates took operators.
        images: which were run; empty for noise.
        load_ms: opening the model, in the first process; None where another program measured.
        first_ms: the first inference of the first process.
        memory_peak_bytes: the most resident memory of a process.
        energy: of the run; None where no sensor, counter or battery told it.
        processes: what each found.
        device: what the machine is: `board`, `processor`, `cores`, ...; of a device also `name`, `kind`, `identity`.
        state_before: clocks, governors, temperatures, power and load before the run, as far as the system tells.
        state_after: the same after it.
        sittings: how often the run was begun or resumed.
        protocol: what two runs must share to be compared.
        detlite: the version that measured.
        failure: what stopped the run; None where it ended.
        samples_ns: every time, by process.
        profile: what each operator took; None where it was not asked for, or failed.
        profile_failure: why there is no profile.
        profile_differences: how the profile differs from that of another run.
        against: the other model, where two were measured in turn.
        affinity: the cores that the program was kept to, on a device.
        standing_before: what a device said of its power, clocks and heat before the run.
        standing_after: the same after it; None where the device was lost.
        watched: what was watched beside the run.
        engine: how TensorRT built the engine that was run.
        onnx_sha256: of the .onnx that the engine was built from.
        emulated: whether the device is no real one: its times say nothing.
        simulated: whether it is one of detlite's simulators.
    """

    model: str
    model_sha256: str
    scenario: str
    metric: QuotedMetric
    latency: Latency
    invoke: Latency
    samples: int
    runtime: str
    threads: int
    device: Mapping[str, Any]
    preset: Optional[str] = None
    figures: Mapping[str, float] = field(default_factory=dict)
    stages_p50_ms: Stages = field(default_factory=Stages)
    queries: int = 0
    duration_s: float = 0.0
    reasons: Tuple[str, ...] = ()
    cautions: Tuple[str, ...] = ()
    size_bytes: Optional[int] = None
    backend: Optional[str] = None
    placements: Tuple[Placement, ...] = ()
    images: Tuple[MeasuredImage, ...] = ()
    load_ms: Optional[float] = None
    first_ms: Optional[float] = None
    memory_peak_bytes: Optional[int] = None
    energy: Optional[Energy] = None
    processes: Tuple[ProcessResult, ...] = ()
    state_before: Mapping[str, Any] = field(default_factory=dict)
    state_after: Mapping[str, Any] = field(default_factory=dict)
    sittings: int = 1
    protocol: Optional[Protocol] = None
    detlite: Optional[str] = None
    failure: Optional[Failure] = None
    samples_ns: Tuple[ProcessSamples, ...] = ()
    profile: Optional[Tuple[OperatorTime, ...]] = None
    profile_failure: Optional[str] = None
    profile_differences: Optional[Tuple[OperatorChange, ...]] = None
    against: Optional[Against] = None
    affinity: Optional[str] = None
    standing_before: Optional[Mapping[str, Any]] = None
    standing_after: Optional[Mapping[str, Any]] = None
    watched: Optional[Mapping[str, Any]] = None
    engine: Optional[Mapping[str, Any]] = None
    onnx_sha256: Optional[str] = None
    emulated: bool = False
    simulated: bool = False

    @property
    def validity(self) -> str:
        """`VALID`, or `INVALID because` of the reasons."""
        return validity_of(self.reasons)

    def to_record(self) -> Record:
        """Return it as JSON can carry it, as version 3 of `detlite.measurement`."""
        whole = to_record(self)
        if self.against is not None:
            whole["against"]["measurement"] = self.against.measurement.to_record()
        known = {key: value for key, value in whole.items() if key not in SPARSE or value not in (None, False)}
        return {"schema": SCHEMA, "schema_version": SCHEMA_VERSION, "validity": self.validity, **known}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Measurement:
        """Return what *record* says, of version 3, or of 1 or 2, which detlite 0.1 wrote.

        Version 1 has no times of whole queries: what it calls latency is the interpreter alone, and becomes `invoke`.

        Raises:
            InputError: it is of another schema or version, or a value is not what it must be.
        """
        if record.get("schema") != SCHEMA or record.get("schema_version") not in READ_VERSIONS:
            found = f"{record.get('schema')} version {record.get('schema_version')}"
            raise InputError(f"want {SCHEMA} of version {', '.join(map(str, READ_VERSIONS))}, got {found}")
        return from_record(cls, current_record(record))


@dataclass(frozen=True)
class Against:
    """The other of two models that were measured in turn, and how the first compares with it.

    Attributes:
        measurement: of the other model.
        invoke_p50_ratio: the first's median of the interpreter over the other's.
        invoke_p50_ratio_interval: its 95 % interval, from both models' samples drawn together.
        latency_p50_ratio: the same of whole queries; None in records that do not have them.
        latency_p50_ratio_interval: its 95 % interval.
    """

    measurement: Measurement
    invoke_p50_ratio: Optional[float] = None
    invoke_p50_ratio_interval: Optional[Interval] = None
    latency_p50_ratio: Optional[float] = None
    latency_p50_ratio_interval: Optional[Interval] = None


def validity_of(reasons: Sequence[str]) -> str:
    """Return `VALID`, or `INVALID because` of the *reasons*."""
    return f"INVALID because {'; '.join(reasons)}" if reasons else "VALID"


def with_failure(measurement: Measurement, failure: Optional[Failure]) -> Measurement:
    """Return *measurement* with what stopped the run, where anything did."""
    if failure is None:
        return measurement
    reasons = (*measurement.reasons, f"failure: {failure.text}")
    return replace(measurement, failure=measurement.failure or failure, reasons=reasons)
