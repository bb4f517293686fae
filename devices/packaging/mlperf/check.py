"""What MLPerf's vision app found and measured with a packed model, beside detlite's own run of the same model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from detlite.accuracy.dataset import DatasetFiles
from detlite.accuracy.evaluation import EvaluationOptions, Scoring, evaluate_by_labels
from detlite.accuracy.hosts import InferenceHost, ThisMachine
from detlite.accuracy.mlperf_log import LoadGenResults
from detlite.runtime.artifact import Artifact
from detlite.runtime.errors import InputError
from detlite.runtime.limited_file import read_limited
from detlite.runtime.measure.loadgen_log import DETAIL
from detlite.runtime.measure.results import Measurement
from detlite.runtime.progress import Progress, silent
from detlite.runtime.strict_json import parse_json

MARK = ":::MLLOG "
P90, P50, MEAN = "result_90.00_percentile_latency_ns", "result_50.00_percentile_latency_ns", "result_mean_latency_ns"
SCENARIO, MODE, VALIDITY = "effective_scenario", "effective_test_mode", "result_validity"
ACCURACY_ONLY = "AccuracyOnly"
MOST_BYTES = 1 << 28


@dataclass(frozen=True)
class AppRun:
    """What LoadGen logged of a run.

    Attributes:
        scenario: such as `SingleStream`.
        mode: `PerformanceOnly` or `AccuracyOnly`.
        validity: `VALID` or `INVALID`; None for an accuracy run, and for it alone.
        queries: how many were answered, if the log says.
        p50_ms: of the latencies of queries; None for an accuracy run. Likewise the others.
    """

    scenario: str
    mode: str
    validity: str | None = None
    queries: int | None = None
    p50_ms: float | None = None
    p90_ms: float | None = None
    mean_ms: float | None = None


@dataclass(frozen=True)
class SideBySide:
    """A figure of the app's run and of detlite's; None where one has none."""

    figure: str
    unit: str
    app: float | None
    own: float | None

    @property
    def difference(self) -> float | None:
        """The app's minus detlite's."""
        return None if self.app is None or self.own is None else self.app - self.own


def read_app_run(folder: Path) -> AppRun:
    """Return what LoadGen logged in *folder*.

    It is read from the details, which have the same keys as the summary: an accuracy run has no summary.

    Raises:
        InputError: the details are missing or damaged.
    """
    known = _details(folder / DETAIL)
    scenario, mode, validity = (known.get(key) for key in (SCENARIO, MODE, VALIDITY))
    if not isinstance(scenario, str) or not isinstance(mode, str):
        raise InputError(f"{folder / DETAIL} are no details of LoadGen: want {SCENARIO} and {MODE}")
    is_timed = mode != ACCURACY_ONLY
    if is_timed and not isinstance(validity, str):
        raise InputError(f"{folder / DETAIL} is cut short: it has no {VALIDITY}; run the app to its end")
    return AppRun(
        scenario=scenario,
        mode=mode,
        validity=str(validity) if is_timed else None,
        queries=_whole(known.get("result_query_count")),
        p50_ms=_ms(known.get(P50)) if is_timed else None,
        p90_ms=_ms(known.get(P90)) if is_timed else None,
        mean_ms=_ms(known.get(MEAN)) if is_timed else None,
    )


def maps_of(
    artifact: Artifact, folder: Path, files: DatasetFiles, *, progress: Progress = silent
) -> tuple[SideBySide, ...]:
    """Return the mAP of what the app found, and of what *artifact* finds here in the same images, in percent.

    Raises:
        InputError: the log or the labels cannot be read, or the log lacks an image.
        DeviceError: the interpreter crashed.
    """
    hosts: tuple[InferenceHost, InferenceHost] = (LoadGenResults(folder), ThisMachine())
    found = []
    for host in hosts:
        with host.ready():
            options = EvaluationOptions(host=host)
            found.append(evaluate_by_labels(artifact, Scoring(files), options, progress=progress).result)
    app, own = found
    return (SideBySide("mAP", "%", app.map, own.map), SideBySide("images", "", app.run.images, own.run.images))


def times_of(run: AppRun, own: Measurement) -> tuple[SideBySide, ...]:
    """Return the latencies of the app's run beside those of detlite's own measurement.

    Raises:
        InputError: it is an accuracy run.
    """
    if run.validity is None:
        raise InputError(f"the run is of the mode {run.mode}, which has no times: run the app without --accuracy")
    latency = own.latency
    return (
        SideBySide("p50 latency", "ms", run.p50_ms, latency.p50_ms),
        SideBySide("p90 latency", "ms", run.p90_ms, latency.p90_ms),
        SideBySide("mean latency", "ms", run.mean_ms, latency.mean_ms),
    )


def _text(path: Path) -> str:
    return read_limited(path, "a log of LoadGen", MOST_BYTES).decode(errors="replace")


def _details(path: Path) -> Mapping[str, object]:
    lines = [line[len(MARK) :] for line in _text(path).splitlines() if line.startswith(MARK)]
    try:
        entries = [parse_json(line) for line in lines]
    except InputError as error:
        raise InputError(f"{path} is damaged: {error}") from error
    return {str(one["key"]): one.get("value") for one in entries if isinstance(one, dict) and "key" in one}


def _ms(value: object) -> float | None:
    return None if isinstance(value, bool) or not isinstance(value, int | float) else value / 1e6


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
