"""How a model is measured: the options that the board's program, the workstation's command and the library share."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Mapping, Optional, Sequence, Tuple

from detlite.runtime.contract import Contract
from detlite.runtime.errors import InputError
from detlite.runtime.measure.presets import CAMERA, preset_called
from detlite.runtime.measure.protocol import Setup
from detlite.runtime.measure.results import Measurement
from detlite.runtime.measure.run import measure_model
from detlite.runtime.measure.scenario import scenario_called
from detlite.runtime.progress import Progress, silent
from detlite.runtime.runners.backend import Settings, backend_for

SCENARIO, PRESET = "single-stream", "quick"
STREAMS, PER_SECOND = 1, 10.0
FPS = 30.0
PACED = (CAMERA, "multi-stream")
"""The scenarios whose queries come at a fixed rate."""


@dataclass(frozen=True)
class MeasureOptions:
    """What the options of `detlite measure` ask for; None means the default.

    Attributes:
        scenario: of MLPerf v1.0, or camera; None: single-stream.
        preset: the rules; None: quick.
        backend: what runs the model; None: by the file's suffix.
        threads: of the interpreter.
        xnnpack: True requires that it runs operators, False goes without it.
        delegates: to load, in this order.
        streams: samples per query of multi-stream; None: 1.
        per_second: queries per second of server; None: 10.
        fps: frames a second of camera, and queries of multi-stream; None: 30, and the preset's.
        find: whether the most streams, or queries per second, within the latency limit are found first.
        end_to_end: whether reading the images counts in offline's time.
        accuracy: whether every image is run too, and its result kept.
        profile: whether each operator is timed too.
        processes: changes the preset's number of processes.
        queries: changes the preset's least number of queries; of samples for offline.
        min_duration_s: changes the preset's shortest duration, in seconds.
    """

    scenario: Optional[str] = None
    preset: Optional[str] = None
    backend: Optional[str] = None
    threads: int = 1
    xnnpack: Optional[bool] = None
    delegates: Tuple[str, ...] = ()
    streams: Optional[int] = None
    per_second: Optional[float] = None
    fps: Optional[float] = None
    find: bool = False
    end_to_end: bool = False
    accuracy: bool = False
    profile: bool = False
    processes: Optional[int] = None
    queries: Optional[int] = None
    min_duration_s: Optional[float] = None

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> MeasureOptions:
        """Return the options among the *values* of a command line, which may hold others."""
        known = {one.name: values[one.name] for one in fields(cls) if one.name in values}
        return cls(**{**known, "delegates": tuple(known.get("delegates") or ())})

    def changes(self) -> Mapping[str, Any]:
        """Return the changes of the preset, by the names of its fields."""
        known = preset_called(self.preset or PRESET)
        interval_ms = None if self.fps is None else 1000 / self.fps
        asked = {"processes": self.processes, "min_duration_s": self.min_duration_s, "interval_ms": interval_ms}
        changes: dict[str, Any] = {name: value for name, value in asked.items() if value is not None}
        scenario = self.scenario or SCENARIO
        if self.queries is not None and scenario == "offline":
            return {**changes, "offline_samples": self.queries}  # the samples of its single query
        if self.queries is not None:
            return {**changes, "queries": {**known.queries, scenario: self.queries}}
        return changes


def setup_of(
    model: Path,
    contract: Optional[Contract],
    options: MeasureOptions,
    *,
    images: Sequence[Path] = (),
    decode_ns: Sequence[int] = (),
) -> Setup:
    """Return the setup that *options* ask for.

    Args:
        model: the file to measure.
        contract: of the model; None where there is none.
        options: how it is measured.
        images: what it runs on; none for random noise.
        decode_ns: how long each of them took to decode, if they were frames of a video.

    Raises:
        InputError: a name is unknown, or a value is invalid.
    """
    scenario, name = options.scenario or SCENARIO, options.preset or PRESET
    scenario_called(scenario)
    if options.fps is not None and scenario not in PACED:
        raise InputError(f"--fps is the rate of {' and '.join(PACED)}, and the scenario is {scenario}: leave it out")
    preset, changes = preset_called(name), options.changes()
    if changes:
        preset, name = dataclasses.replace(preset, **changes), f"{name}, changed: {', '.join(sorted(changes))}"
    if scenario == CAMERA and options.fps is None:
        preset = dataclasses.replace(preset, interval_ms=1000 / FPS)
    backend, found = backend_for(model, options.backend)
    if found.measure is not None and (scenario != SCENARIO or images):
        raise InputError(f"{backend} measures with another program: use single-stream, without images")
    if options.profile and found.profile is None:
        raise InputError(f"{backend} has no profiler: use litert, onnx_runtime or tensorrt")
    if found.measure is not None and model.suffix == ".json":  # one file has one process
        preset = dataclasses.replace(preset, processes=1)
    return Setup(
        model=model,
        contract=contract,
        backend=backend,
        settings=Settings(options.threads, options.xnnpack, options.delegates),
        scenario=scenario,
        preset_name=name,
        preset=preset,
        images=tuple(images),
        decode_ns=tuple(decode_ns),
        streams=STREAMS if options.streams is None else options.streams,
        per_second=PER_SECOND if options.per_second is None else options.per_second,
        end_to_end=options.end_to_end,
        accuracy=options.accuracy,
        profile=options.profile,
    )


def measure_setup(
    setup: Setup, *, find: bool = False, run: Optional[Path] = None, force: bool = False, progress: Progress = silent
) -> Measurement:
    """Measure as `measure_model` does; with *find*, at the highest load that the device sustains, found first.

    Raises:
        FindingError: the device cannot sustain any load.
    """
    if find:
        from detlite.runtime.measure.search import with_most

        setup = with_most(setup, run=run, progress=progress)
    return measure_model(setup, run=run, force=force, progress=progress)
