"""Samples that another program measured, such as trtexec, as a process of a run."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Callable, List, Mapping

import numpy as np

from detlite.runtime.artifact import sha256_of
from detlite.runtime.run_folder import ENDED, HEADER, OPENED, SAMPLES, write_json
from detlite.runtime.scenario import Rows

Results = Callable[[Path], Mapping[str, List[int]]]


def import_process(results: Results, title: str, file: Path, folder: Path) -> None:
    """Write the samples that *results* reads in *file* to *folder*: as queries one after the other.

    The first is taken as the first inference; when each began is not known, and is reckoned from the others' times.

    Raises:
        InputError: *file* holds no such samples.
    """
    begin = time.perf_counter_ns()
    found = results(file)
    latency = np.array(found["latency"], np.int64)
    stages = {name: np.array(found.get(name, [0] * len(latency)), np.int64) for name in ("input", "invoke", "output")}
    sha256 = sha256_of(file)
    write_json(
        folder / OPENED,
        {
            "runtime": title,
            "model_sha256": sha256,
            "load_ns": time.perf_counter_ns() - begin,
            "first_ns": int(latency[0]),
            "placements": [],
            "images": [],
        },
    )
    ends = np.cumsum(latency)
    numbers = np.arange(len(latency))
    columns = [numbers, numbers * 0, ends - latency, ends - latency, *stages.values(), ends]
    rows = Rows(np.stack(columns, axis=1))
    text = "".join("\t".join(map(str, row)) + "\n" for row in rows.columns.tolist())
    (folder / SAMPLES).write_text(HEADER + text, encoding="utf-8")
    write_json(folder / ENDED, {"model_sha256": sha256, "memory_peak_bytes": None, "wall_clock_step_s": 0.0})
