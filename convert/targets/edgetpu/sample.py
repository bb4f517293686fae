"""Running models on random numbers, in a child process."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detlite.convert.targets.edgetpu.graph import GraphTensor
from detlite.runtime.child import run_in_child
from detlite.runtime.progress import Progress, silent

SEED = 5
SAMPLES = 3
TIMEOUT_S = 600.0

Arrays = list[NDArray[Any]]


def random_inputs(tensors: Sequence[GraphTensor]) -> Arrays:
    """Return random numbers for *tensors*, the same for the same shapes and dtypes, samples first.

    Integers come from their whole range, floats from -1 to 1.
    """
    chance = np.random.default_rng(SEED)
    return [_random(chance, tensor) for tensor in tensors]


def _random(chance: np.random.Generator, tensor: GraphTensor) -> NDArray[Any]:
    shape = (SAMPLES, *tensor.shape)
    if tensor.dtype.startswith("float"):
        return chance.uniform(-1, 1, shape).astype(tensor.dtype)
    if tensor.dtype == "bool":
        return chance.integers(0, 2, shape).astype(np.bool_)
    limits = np.iinfo(tensor.dtype)
    return chance.integers(limits.min, limits.max, shape, tensor.dtype, endpoint=True)


def run_models(runs: Sequence[tuple[bytes, Arrays]], *, progress: Progress = silent) -> list[Arrays]:
    """Return the outputs of each model in *runs*, samples first.

    Raises:
        InputError: the interpreter cannot open one.
        DeviceError: the process died.
    """
    with tempfile.TemporaryDirectory(prefix="detlite-run-") as scratch:
        asked = []
        for number, (data, inputs) in enumerate(runs):
            stem = str(Path(scratch) / str(number))
            Path(f"{stem}.tflite").write_bytes(data)
            np.savez(f"{stem}.in.npz", allow_pickle=False, **{f"input_{n}": array for n, array in enumerate(inputs)})
            asked.append({"model": f"{stem}.tflite", "inputs": f"{stem}.in.npz", "out": f"{stem}.out.npz"})
        request = {"runs": asked}
        run_in_child(
            "detlite.convert.targets.edgetpu.child_calls:outputs", request, timeout_s=TIMEOUT_S, progress=progress
        )
        return [_loaded(Path(run["out"])) for run in asked]


def _loaded(path: Path) -> Arrays:
    with np.load(path) as arrays:
        return [arrays[f"output_{n}"] for n in range(len(arrays.files))]


def steps_apart(left: Arrays, right: Arrays) -> float:
    """Return the largest difference between two lists of arrays, in stored values."""
    pairs = zip(left, right, strict=True)
    return max((float(np.abs(a.astype(np.float64) - b).max()) for a, b in pairs if a.size), default=0.0)
