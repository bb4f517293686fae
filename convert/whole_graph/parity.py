"""Parity of an .onnx with the TensorFlow graph that it was made of: what both compute on the same images."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detlite.convert.graph.index import GraphIndex
from detlite.convert.graph.runner import running
from detlite.convert.whole_graph.ends import GraphInput, WholeGraph, inputs_of
from detlite.runtime.errors import FindingError, InputError
from detlite.runtime.image.read import read_image
from detlite.runtime.image.resize import resize
from detlite.runtime.runners.backend import Settings
from detlite.runtime.runners.onnx_runner import OnnxRunner

NOISE_IMAGES = 4
"""Images of seeded noise, where the user gives none."""

Feeds = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class OutputParity:
    """How far one output of the .onnx is from TensorFlow's, over all images.

    Attributes:
        name: the output's.
        largest_difference: between two values.
        largest_value: the largest magnitude in TensorFlow's output.
    """

    name: str
    largest_difference: float
    largest_value: float

    def is_within(self, tolerance: float) -> bool:
        """Return whether the difference is at most *tolerance*, of the largest value if that is over 1."""
        return self.largest_difference <= tolerance * max(1.0, self.largest_value)


def parity_of(data: bytes, whole: WholeGraph, images: Sequence[Path]) -> tuple[OutputParity, ...]:
    """Return the parity of each output of the .onnx file *data* with *whole*, on *images*, or on seeded noise.

    Raises:
        InputError: an image cannot be read, an output is text, or TensorFlow or ONNX Runtime cannot run the model.
        FindingError: as `difference`.
    """
    opened = _opened(data)
    given = inputs_of(whole)
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in whole.outputs}
    with running(GraphIndex(whole.graph_def)) as runner:
        for feeds in _feeds(given, images):
            tensors = {one.tensor: feeds[one.name] for one in given}
            wanted = runner.run(list(whole.outputs.values()), tensors)
            for name, want, got in zip(whole.outputs, wanted, _run(opened, whole.outputs, feeds), strict=True):
                found[name].append(difference(name, want, got))
    return tuple(
        OutputParity(name, max(apart for apart, _value in pairs), max(value for _apart, value in pairs))
        for name, pairs in found.items()
    )


def check_parity(parity: Sequence[OutputParity], tolerance: float) -> None:
    """Raise `FindingError` unless all outputs are within *tolerance*."""
    for one in parity:
        if not one.is_within(tolerance):
            raise FindingError(
                f"output {one.name} differs from TensorFlow's by up to {one.largest_difference:.3g}, and its values go "
                f"to {one.largest_value:.3g}: over the tolerance of {tolerance:g}; nothing was written"
            )


def _opened(data: bytes) -> OnnxRunner:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tf2onnx.onnx"
        path.write_bytes(data)
        return OnnxRunner(path, Settings())


def _run(runner: OnnxRunner, outputs: Mapping[str, str], feeds: Feeds) -> list[NDArray[Any]]:
    for one in runner.inputs:  # without those that no output needs
        runner.set_input(one["index"], feeds[one["name"]])
    runner.invoke()
    found = {one["name"]: runner.output(one["index"]) for one in runner.outputs}
    return [found[name] for name in outputs]


def difference(name: str, want: NDArray[Any], got: NDArray[Any]) -> tuple[float, float]:
    """Return how far the output *got* is from *want*, at most, and the largest magnitude of *want*; of finite numbers.

    Raises:
        FindingError: the shapes differ, or an infinity or NaN has something else in its place.
        InputError: the output *name* is text.
    """
    if want.shape != got.shape:
        raise FindingError(f"output {name} is {got.shape} in ONNX, and {want.shape} in TensorFlow; nothing was written")
    if not want.size:
        return 0.0, 0.0
    try:
        reals = want.astype(np.float64), got.astype(np.float64)
    except ValueError as error:
        raise InputError(f"output {name} is text, which cannot be compared: choose others with --outputs") from error
    want_odd, got_odd = (np.where(np.isfinite(real), 0, real) for real in reals)
    if not np.array_equal(want_odd, got_odd, equal_nan=True):
        raise FindingError(f"output {name} has other infinities or NaNs than TensorFlow's; nothing was written")
    kept = [np.where(np.isfinite(real), real, 0) for real in reals]
    return float(np.abs(kept[0] - kept[1]).max()), float(np.abs(kept[0]).max())


def _feeds(inputs: Sequence[GraphInput], images: Sequence[Path]) -> Iterator[Feeds]:
    """Yield the inputs for each of *images*, or of seeded noise; an input that is no image always gets noise."""
    random = np.random.default_rng(0)
    paths: Sequence[Path | None] = images or [None] * NOISE_IMAGES
    for path in paths:
        pixels = None if path is None else read_image(path)
        yield {one.name: _value(one, pixels, random) for one in inputs}


def _value(given: GraphInput, pixels: NDArray[np.uint8] | None, random: np.random.Generator) -> NDArray[Any]:
    """Return a value for the input *given*: integers have pixels of 0..255, floats of -1..1."""
    if given.dtype == "bool":
        return np.zeros(given.shape, bool)
    values = np.asarray(random.uniform(0, 255, given.shape), np.float32)
    if pixels is not None and given.is_image:
        values = resize(pixels, given.shape[1], given.shape[2], "half_pixel_bilinear")[None]
        values = values if given.shape[-1] == values.shape[-1] else values.mean(axis=-1, keepdims=True)
    if np.issubdtype(given.dtype, np.integer):
        limit = 255 if given.is_image else 1  # any table has rows 0 and 1
        return np.asarray(np.clip(np.rint(values), 0, min(limit, np.iinfo(given.dtype).max)), given.dtype)
    return np.asarray((values - 127.5) / 127.5, given.dtype)
