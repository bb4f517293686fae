"""The results of a measurement, in one form: in a scenario, in turn, or on a device.

`latency` is always the whole query, from when it was due to its result: input, invoke and post-processing.
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
"""Keys that a record has only if they have a value."""

Record = Dict[str, Any]
Interval = Tuple[float, float]


@dataclass(frozen=True)
class Latency:
    """Times of one kind, over all processes, in ms.

    A percentile is the smallest time that this share of all does not exceed (nearest rank, as MLPerf counts); None if
    there are too few samples: p50 needs 5, p90 29, p95 59, p99 299.

    Attributes:
        count: number of times.
        p50_interval_ms: the 95 % interval of `p50_ms`; likewise for the others.
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
    """The quoted figure of a measurement: *name* ends in its unit; *value* is None if nothing can be quoted."""

    name: str
    value: Optional[float] = None


@dataclass(frozen=True)
class Stages:
    """The median of each stage in ms; None if it was not run, or not timed separately.

    `decode` and `preprocess` are for the images, before the measurement; the others are parts of a query.
    """

    decode: Optional[float] = None
    preprocess: Optional[float] = None
    input: Optional[float] = None
    invoke: Optional[float] = None
    postprocess: Optional[float] = None


@dataclass(frozen=True)
class MeasuredImage:
    """An image that was run: its place among the given ones, its name and sha256, and its reading time."""

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
        source: where it was read: powercap, sensors, battery, or the program that was watched.
        energy_mj: total, in millijoules.
        mean_power_mw: in milliwatts.
        energy_per_sample_mj: the total divided by the number of samples that were run.
    """

    source: str
    energy_mj: Optional[float] = None
    mean_power_mw: Optional[float] = None
    energy_per_sample_mj: Optional[float] = None


@dataclass(frozen=True)
class ProcessResult:
    """One process of a measurement.

    Attributes:
        load_ms: time of opening the model; None if another program measured.
        first_ms: time of the very first inference, which may include one-time work.
        warm_up_samples: number of samples before the first that counts.
        warm_up_cut: number of further samples that were dropped because times were still falling.
        samples_set_aside: samples of an earlier, interrupted attempt at this process; not counted.
        samples: number of samples that count.
        duration_s: from the first query to the last answer.
        latency_p50_ms: median of its queries.
        invoke_p50_ms: median of the interpreter alone.
        drift: last quarter against first; None with fewer than 20 samples.
        memory_peak_bytes: peak resident memory; None if the system does not say.
        completed: whether it ran to its end.
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
    """All times of one process in ns, in order: of its queries, and of the interpreter alone."""

    latency: Tuple[int, ...] = ()
    invoke: Tuple[int, ...] = ()


@dataclass(frozen=True)
class Failure:
    """The reason why a run stopped: its text, its exit status on the command line, and the process, from 1."""

    text: str
    exit_status: int
    process: Optional[int] = None


@dataclass(frozen=True)
class Measurement:
    """A measurement: what was measured, how, and whether it may be quoted.

    Attributes:
        model: the path of the model file.
        model_sha256: of the file that was read.
        scenario: `single-stream`, `multi-stream`, `server`, `offline` or `camera`.
        preset: name of the preset; None for models measured in turn.
        metric: the figure that the scenario quotes.
        latency: of whole queries, from when each was due to its result.
        invoke: of the interpreter alone.
        figures: further figures of the scenario, by name: `streams`, `samples_per_second`, `limit_ms`, ...
        stages_p50_ms: the medians of the stages.
        samples: number of samples that count, over all processes.
        queries: number of queries.
        duration_s: over all processes.
        reasons: why the measurement is INVALID; empty if it is VALID.
        cautions: what a reader of the numbers must know, one sentence each.
        size_bytes: of the model file.
        backend: name of the back end.
        runtime: the interpreter's package and version.
        threads: number of the interpreter's threads.
        placements: the delegates that took operators.
        images: the images that were run; empty for noise.
        load_ms: time of opening the model in the first process; None if another program measured.
        first_ms: time of the first inference of the first process.
        memory_peak_bytes: peak resident memory of any process.
        energy: of the run; None without a sensor, counter or battery to read.
        processes: the result of each process.
        device: the machine: `board`, `processor`, `cores`, ...; for a device also `name`, `kind`, `identity`.
        state_before: clocks, governors, temperatures, power and load before the run, as far as the system reports them.
        state_after: the same after the run.
        sittings: number of times that the run was started or resumed.
        protocol: what two runs must share to be comparable.
        detlite: the version of detlite that measured.
        failure: what stopped the run; None if it finished.
        samples_ns: all times, by process.
        profile: time of each operator; None if not requested, or failed.
        profile_failure: why there is no profile.
        profile_differences: differences from another run's profile.
        against: the other model, if two were measured in turn.
        affinity: the cores that the program was pinned to, on a device.
        standing_before: a device's power, clocks and heat before the run.
        standing_after: the same after the run; None if the device was lost.
        watched: what was monitored during the run.
        engine: how TensorRT built the engine.
        onnx_sha256: of the .onnx that the engine was built from.
        emulated: whether the device is emulated: its times mean nothing.
        simulated: whether the device is one of detlite's simulators.
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
        """`VALID`, or `INVALID because` and the reasons."""
        return validity_of(self.reasons)

    def to_record(self) -> Record:
        """Return the JSON record, version 3 of `detlite.measurement`."""
        whole = to_record(self)
        if self.against is not None:
            whole["against"]["measurement"] = self.against.measurement.to_record()
        known = {key: value for key, value in whole.items() if key not in SPARSE or value not in (None, False)}
        return {"schema": SCHEMA, "schema_version": SCHEMA_VERSION, "validity": self.validity, **known}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Measurement:
        """Return the measurement in *record*, of version 3, or of 1 or 2, which detlite 0.1 wrote.

        Version 1 has no times of whole queries: its latency is the interpreter alone, and becomes `invoke`.

        Raises:
            InputError: it has another schema or version, or a value is invalid.
        """
        if record.get("schema") != SCHEMA or record.get("schema_version") not in READ_VERSIONS:
            found = f"{record.get('schema')} version {record.get('schema_version')}"
            raise InputError(f"want {SCHEMA} of version {', '.join(map(str, READ_VERSIONS))}, got {found}")
        return from_record(cls, current_record(record))


@dataclass(frozen=True)
class Against:
    """The other of two models measured in turn, and the comparison of the first with it.

    Attributes:
        measurement: the other model's measurement.
        invoke_p50_ratio: the first model's interpreter median over the other's.
        invoke_p50_ratio_interval: its 95 % interval, from both models' samples drawn together.
        latency_p50_ratio: the same for whole queries; None in records without them.
        latency_p50_ratio_interval: its 95 % interval.
    """

    measurement: Measurement
    invoke_p50_ratio: Optional[float] = None
    invoke_p50_ratio_interval: Optional[Interval] = None
    latency_p50_ratio: Optional[float] = None
    latency_p50_ratio_interval: Optional[Interval] = None


def validity_of(reasons: Sequence[str]) -> str:
    """Return `VALID`, or `INVALID because` and the *reasons*."""
    return f"INVALID because {'; '.join(reasons)}" if reasons else "VALID"


def with_failure(measurement: Measurement, failure: Optional[Failure]) -> Measurement:
    """Return *measurement* with the *failure* that stopped the run, if any."""
    if failure is None:
        return measurement
    reasons = (*measurement.reasons, f"failure: {failure.text}")
    return replace(measurement, failure=measurement.failure or failure, reasons=reasons)
