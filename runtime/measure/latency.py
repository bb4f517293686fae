"""Single-stream latency: one inference after the other, the first and the warm-up apart, every sample kept."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import List, Sequence, Tuple

import numpy as np

from detlite.runtime.arrays import Pixels
from detlite.runtime.errors import InputError
from detlite.runtime.progress import Progress, silent
from detlite.runtime.session import Session

WARM_UPS = 10
TELL_EVERY_S = 0.5  # not after each sample: whoever listens would run beside the measurement
STAGES = ("preprocess", "invoke", "postprocess")


@dataclass(frozen=True)
class Plan:
    """How long to measure: until there are *samples* of each model and *min_seconds* have passed."""

    samples: int = 200
    min_seconds: float = 1.0

    def __post_init__(self) -> None:
        if not (1 <= self.samples <= 1_000_000 and 0 <= self.min_seconds <= 86_400):
            raise InputError(f"{self.samples} samples and {self.min_seconds} s: want 1 to 1000000, and at most a day")


@dataclass(frozen=True)
class Latency:
    """What one model took, in ms, sample by sample, in the order in which they came.

    Attributes:
        first_ms: the very first inference after opening: it may pay for much that no later one does.
        warm_up_ms: the inferences between, which do not count.
        preprocess_ms: from the image to the input tensor.
        invoke_ms: the interpreter alone; what is quoted as the model's latency.
        postprocess_ms: from the outputs to detections.
    """

    first_ms: float
    warm_up_ms: Tuple[float, ...]
    preprocess_ms: Tuple[float, ...]
    invoke_ms: Tuple[float, ...]
    postprocess_ms: Tuple[float, ...]


def percentile_ms(samples_ms: Sequence[float], percent: float) -> float:
    """Return the smallest sample that at least *percent* % of all do not exceed (nearest rank, as MLPerf counts)."""
    ordered = sorted(samples_ms)
    return ordered[max(0, math.ceil(percent / 100 * len(ordered)) - 1)]


def percentile_interval_ms(samples_ms: Sequence[float], percent: float) -> Tuple[float, float]:
    """Return the 95 % interval of that percentile, from order statistics: no distribution is assumed.

    The ranks are those of the binomial's normal approximation (Hahn and Meeker, Statistical Intervals, 5.2).
    """
    ordered, share = sorted(samples_ms), percent / 100
    spread = 1.96 * math.sqrt(len(ordered) * share * (1 - share))
    middle = share * len(ordered)
    low = min(max(0, math.floor(middle - spread)), len(ordered) - 1)
    high = min(len(ordered) - 1, max(0, math.ceil(middle + spread)))
    return ordered[low], ordered[high]


def measure(
    sessions: Sequence[Session], image: Pixels, plan: Plan, *, progress: Progress = silent
) -> Tuple[Latency, ...]:
    """Measure the *sessions* in turn (A B A B ...) on one *image*: what disturbs the machine disturbs all alike."""
    first = [_stages(session, image)[1] for session in sessions]
    warm = [[_stages(session, image)[1] for _ in range(WARM_UPS)] for session in sessions]
    samples: List[List[Tuple[float, float, float]]] = [[] for _ in sessions]
    begin = told = time.perf_counter()
    while len(samples[0]) < plan.samples or time.perf_counter() - begin < plan.min_seconds:
        for session, own in zip(sessions, samples):
            own.append(_stages(session, image))
        if time.perf_counter() - told >= TELL_EVERY_S:
            told = time.perf_counter()
            progress("latency", min(len(samples[0]), plan.samples), plan.samples)
    progress("latency", plan.samples, plan.samples)
    return tuple(
        Latency(first[i], tuple(warm[i]), *(tuple(row[stage] for row in own) for stage in range(len(STAGES))))
        for i, own in enumerate(samples)
    )


def _stages(session: Session, image: Pixels) -> Tuple[float, float, float]:
    """Return how long each of `STAGES` took, in ms."""
    start = time.perf_counter_ns()
    tensor = session.preprocess(image)
    ready = time.perf_counter_ns()
    session.invoke(tensor)
    done = time.perf_counter_ns()
    session.postprocess(session.heads())
    end = time.perf_counter_ns()
    return (ready - start) / 1e6, (done - ready) / 1e6, (end - done) / 1e6


def noise(height: int, width: int, seed: int = 0) -> Pixels:
    """Return an image of noise, uint8 (height, width, 3), for a measurement without a photograph."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
