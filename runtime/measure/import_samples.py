"""Samples from another program, such as trtexec, as a process of a run."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from detlite.runtime.artifact import sha256_of
from detlite.runtime.load import Load
from detlite.runtime.measure.machine import machine_facts
from detlite.runtime.measure.run_folder import ENDED, HEADER, OPENED, SAMPLES, write_json
from detlite.runtime.measure.scenario import Rows
from detlite.runtime.runners.imported import Measure

STAGES = ("input", "invoke", "postprocess")
"""Stages: copying to the device, computing, and copying back, if the program separates them."""


def import_process(measure: Measure, model: Path, load: Load, folder: Path) -> None:
    """Write the samples that *measure* returns for the file *model* to *folder*, as consecutive queries.

    The first sample counts as the first inference; start times are the sums of the times before.

    Raises:
        DetliteError: raised by *measure*.
    """
    sha256 = sha256_of(model)
    found = measure(model, load, folder)
    latency = np.array(found.times["latency"], np.int64)
    opened = {"runtime": found.runtime, "model_sha256": sha256, "load_ns": None, "first_ns": int(latency[0])}
    write_json(folder / OPENED, {**opened, "placements": [], "images": [], "machine": machine_facts()["fingerprint"]})
    ends = np.cumsum(latency)
    numbers = np.arange(len(latency))
    stages = [np.array(found.times.get(name, [0] * len(latency)), np.int64) for name in STAGES]
    rows = Rows(np.stack([numbers, numbers * 0, ends - latency, ends - latency, *stages, ends], axis=1))
    text = "".join("\t".join(map(str, row)) + "\n" for row in rows.columns.tolist())
    (folder / SAMPLES).write_text(HEADER + text, encoding="utf-8")
    write_json(folder / ENDED, {"model_sha256": sha256_of(model), "memory_peak_bytes": None, "wall_clock_step_s": 0.0})
