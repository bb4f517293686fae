"""ONNX Runtime's profiler: reads the trace that it writes."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, Dict, List, Sequence

import numpy as np

from detlite.runtime.errors import DeviceError
from detlite.runtime.runners.backend import Settings, Timed
from detlite.runtime.runners.onnx_runner import OnnxRunner
from detlite.runtime.runners.profile import RUNS, WARM_UPS, middle_mean
from detlite.runtime.strict_json import load_json

SIZES = ("activation_size", "parameter_size", "output_size")

Record = Dict[str, Any]


def profile(model: Path, settings: Settings) -> Sequence[Timed]:
    """Return the time of each node of the optimized graph, over `RUNS` runs on zeros.

    Raises:
        DetliteError: as `OnnxRunner`.
    """
    with tempfile.TemporaryDirectory(prefix="detlite-") as folder:
        runner = OnnxRunner(model, settings, trace=Path(folder) / "trace")
        for detail in runner.inputs:
            runner.set_input(detail["index"], np.zeros(detail["shape"], detail["dtype"]))
        for _ in range(WARM_UPS + RUNS):
            runner.invoke()
        events = load_json(runner.end_trace())
    return timed(events, WARM_UPS + RUNS)


def timed(events: Sequence[Record], runs: int) -> Sequence[Timed]:
    """Return the nodes in a trace of *runs* runs, in their order; the first `WARM_UPS` runs do not count.

    Raises:
        DeviceError: the runs have different nodes, or the trace is damaged.
    """
    try:
        return _timed_nodes(events, runs)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise DeviceError(f"the trace of ONNX Runtime's profiler is damaged: {error}") from error


def _timed_nodes(events: Sequence[Record], runs: int) -> Sequence[Timed]:
    nodes = [event for event in events if event.get("cat") == "Node" and event["name"].endswith("_kernel_time")]
    count = len(nodes) // runs
    rows = [nodes[i * count : (i + 1) * count] for i in range(runs)][WARM_UPS:]
    names = {tuple(event["name"] for event in row) for row in rows}
    if len(nodes) != count * runs or len(names) != 1:
        raise DeviceError("ONNX Runtime's profiler lists different nodes from run to run: there is no result")
    return [_timed([row[i] for row in rows]) for i in range(count)]


def _timed(events: List[Record]) -> Timed:
    known = events[0]["args"]
    size = sum(int(known[key]) for key in SIZES) if all(key in known for key in SIZES) else None
    mean_ms = middle_mean([event["dur"] for event in events]) / 1e3
    return Timed(str(known.get("op_name", "")), str(known.get("provider", "")), mean_ms, size)
