"""Measurements that take no time: of a back end that does what a script says, and of a tiny real model."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from builders.tiny_tflite import tiny_contract, tiny_model
from detlite.runtime.measure.presets import Preset
from detlite.runtime.measure.protocol import Setup
from detlite.runtime.runners.backend import Settings

QUERIES = {"single-stream": 80, "multi-stream": 300, "server": 300, "offline": 1}
SMALL = Preset(processes=2, sample_count=4, queries=QUERIES, min_duration_s=0.0, offline_samples=40, warm_up_s=0.0)


def scripted(
    folder: Path,
    *,
    scenario: str = "single-stream",
    preset: Preset = SMALL,
    settings: Settings | None = None,
    **script: object,
) -> Setup:
    """A measurement of the back end `scripted`, whose invokes take 2 or 3 ms unless *script* says otherwise."""
    model = folder / "script.json"
    model.write_text(json.dumps({"invoke_ms": [2, 2, 2, 2, 3], **script}))
    return Setup(model, None, "scripted", settings or Settings(), scenario, "small", preset, streams=4, per_second=50.0)


def tiny(folder: Path, backend: str = "litert", **changes: Any) -> Setup:
    """A measurement of the tiny model with *backend*; *changes* are of its settings."""
    model = folder / "model.tflite"
    model.write_bytes(tiny_model())
    return Setup(model, tiny_contract(), backend, Settings(**changes), "single-stream", "small", SMALL)


def photos(folder: Path, count: int) -> tuple[Path, ...]:
    """Write *count* random 30 x 40 images to *folder* and return their paths."""
    paths = []
    for seed in range(count):
        path = folder / f"photo{seed}.npy"
        np.save(path, np.random.default_rng(seed).integers(0, 256, (30, 40, 3), np.uint8))
        paths.append(path)
    return tuple(paths)
