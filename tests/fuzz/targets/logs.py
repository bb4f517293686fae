"""What other programs log of a run: LoadGen's files, trtexec's exports, the header of an engine."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
from builders.device_texts import LAYER_INFO, LAYERS
from fuzz.mutations import Mutation, blind, json_value, text
from fuzz.target import Target

from detlite.accuracy.mlperf_log import read_accuracy_log
from detlite.convert.targets.tensorrt.engine import FACTS, inspect_engine
from detlite.devices.packaging.mlperf.check import read_app_run
from detlite.runtime.hashing import sha256_of
from detlite.runtime.measure.loadgen_log import ACCURACY, DETAIL
from detlite.runtime.runners.engine_layers import read_layers, read_profile

JSON: tuple[Mutation, ...] = (json_value, json_value, text, blind)
ROW = np.array([0, 0.1, 0.1, 0.5, 0.5, 0.75, 3], "<f4").tobytes().hex()
ENTRIES = [{"seq_id": 0, "qsl_idx": 0, "data": ROW}, {"seq_id": 1, "qsl_idx": 1, "data": ""}]
DETAILS = {
    "effective_scenario": "SingleStream",
    "effective_test_mode": "PerformanceOnly",
    "result_validity": "VALID",
    "result_query_count": 1024,
    "result_90.00_percentile_latency_ns": 12_500_000,
}
LINES = "".join(f":::MLLOG {json.dumps({'key': key, 'value': value})}\n" for key, value in DETAILS.items())
HEAD = b"ftrt" + bytes(20) + bytes((10, 3, 0, 30))


def written(name: str, content: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_text(content)


def engine(folder: Path) -> None:
    """Write an engine with the facts beside it."""
    (folder / "model.engine").write_bytes(HEAD)
    known = {"sha256": sha256_of(folder / "model.engine"), "tensorrt": "10.3", "gpu": "Orin", "power_mode": None}
    (folder / FACTS).write_text(json.dumps(known))


TARGETS = (
    Target(
        "LoadGen's accuracy log",
        written(ACCURACY, json.dumps(ENTRIES)),
        lambda f: read_accuracy_log(f / ACCURACY),
        {"*": JSON},
    ),
    Target("LoadGen's details", written(DETAIL, LINES), read_app_run, {"*": (text, text, blind)}),
    Target(
        "trtexec --exportLayerInfo",
        written("layers.json", LAYER_INFO),
        lambda folder: read_layers((folder / "layers.json").read_text(errors="replace")),
        {"*": JSON},
    ),
    Target(
        "trtexec --exportProfile",
        written("profile.json", LAYERS),
        lambda folder: read_profile((folder / "profile.json").read_text(errors="replace")),
        {"*": JSON},
    ),
    Target(
        "an engine", engine, lambda folder: inspect_engine(folder / "model.engine"), {"*.json": JSON, "*": (blind,)}
    ),
)
