"""Statistics of a float model's activations, from one pass over the images, in constant memory.

A copy of the model computes a minimum, a maximum and a mean over the positions after each operator, and returns these
three numbers per channel instead of the activations. They are computed while the operator's output is still in the
cache, so observing an SSDLite takes 1.1 times as long as inference (returning the activations takes 1.5 times,
`experimental_preserve_all_tensors` 3.9 times).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from detlite.calibration.models import Extremes, Samples
from detlite.calibration.network import Network
from detlite.calibration.ranges.activations import run_sample
from detlite.convert.tflite.edit import Edit
from detlite.runtime.arrays import Doubles, Floats
from detlite.runtime.errors import InputError

MEAN, REDUCE_MAX, REDUCE_MIN = 40, 82, 89  # BuiltinOperator of the TFLite schema
REDUCTIONS = (REDUCE_MIN, REDUCE_MAX, MEAN)
RESHAPING = ("RESHAPE", "SQUEEZE", "EXPAND_DIMS")


@dataclass(frozen=True, eq=False)
class Observed:
    """The statistics of each activation, by tensor index.

    The channels of a reshaped tensor are those of the tensor before the reshape.

    Attributes:
        lows: float32 (images,), the minimum in each image.
        highs: float32 (images,), the maximum in each image.
        channel_lows: float32 (channels,), the minimum of each channel (the last axis) over all images.
        channel_highs: float32 (channels,), the maximum of each channel over all images.
        means: float64 (channels,), the mean of each channel over images and positions.
        scenes: intp (images,), the number of the scene of each image.
        by_image: float32 (images, channels), the minima and the maxima of each channel in each image, of the tensors
            that `observe` was asked for.
    """

    lows: Mapping[int, Floats]
    highs: Mapping[int, Floats]
    channel_lows: Mapping[int, Floats]
    channel_highs: Mapping[int, Floats]
    means: Mapping[int, Doubles]
    scenes: NDArray[np.intp]
    by_image: Mapping[int, Extremes] = field(default_factory=dict)

    @property
    def image_count(self) -> int:
        """The number of images."""
        return len(next(iter(self.lows.values())))


class Watcher(Protocol):
    """What sees activations of each image while they are observed."""

    tensors: tuple[int, ...]
    """The indices of the activations that it sees."""

    def take(self, image: int, value: Callable[[int], NDArray[Any]]) -> Any:
        """Return a copy of what it needs of image number *image*, from 0 on: *value* returns a tensor."""

    def add(self, taken: Any) -> None:
        """See what `take` returned of an image; called in the order of the images, in a thread of its own."""


def observe(
    network: Network, samples: Samples, watcher: Watcher | None = None, *, by_image: Collection[int] = ()
) -> Observed:
    """Return the statistics of the activations of *network* over *samples*; *watcher* sees some of them.

    The channels of the tensors *by_image*, which no operator reshapes, are kept for each image: 140 kB of an SSDLite's.

    Raises:
        InputError: there are no samples, or the model computes a value that is not finite.
    """
    watched = () if watcher is None else watcher.tensors
    probes = _ProbedModel(network, watched)
    opened = probes.file.interpreter()
    statistics = _Statistics(probes, by_image)
    counted, seen = opened.outputs[: len(opened.outputs) - len(watched)], opened.outputs[-len(watched) :]
    places = {index: detail["index"] for index, detail in zip(watched, seen, strict=True)} if watched else {}
    added: Future[None] | None = None
    with ThreadPoolExecutor(1) as pool:  # it sees an image while the model runs on the next one
        for number, sample in enumerate(samples()):
            run_sample(opened, sample)
            found = [opened.interpreter.get_tensor(detail["index"]).reshape(-1) for detail in counted]
            statistics.add(found, sample.scene)
            if watcher is not None:
                taken = watcher.take(number, lambda index: opened.interpreter.tensor(places[index])())
                if added is not None:
                    added.result()
                added = pool.submit(watcher.add, taken)
        if added is not None:
            added.result()
    return statistics.observed(network)


class _Statistics:
    """Running statistics of all tensors, with the channels of all tensors in one row."""

    def __init__(self, probes: _ProbedModel, by_image: Collection[int]) -> None:
        self._sources = probes.sources
        self._begins = np.cumsum([0, *probes.channels])
        self._kept: dict[int, list[Extremes]] = {
            row: [] for row, index in enumerate(probes.sources) if index in by_image
        }
        self._lows: list[Floats] = []
        self._highs: list[Floats] = []
        self._scenes: list[int] = []

    def add(self, found: list[Floats], scene: int) -> None:
        """Add an image of *scene*; *found* has the minima of each tensor's channels, then maxima, then means."""
        count = len(self._begins) - 1
        low, high, mean = (np.concatenate(found[i * count : (i + 1) * count]) for i in range(len(REDUCTIONS)))
        if not self._lows:
            self._low, self._high, self._total = low.copy(), high.copy(), mean.astype(np.float64)
        else:
            np.minimum(self._low, low, out=self._low)
            np.maximum(self._high, high, out=self._high)
            self._total += mean
        wrong = np.isnan(np.add.reduceat(mean, self._begins[:-1]))  # a minimum may ignore NaN
        self._lows.append(np.where(wrong, np.nan, np.minimum.reduceat(low, self._begins[:-1])).astype(np.float32))
        self._highs.append(np.maximum.reduceat(high, self._begins[:-1]))
        self._scenes.append(scene)
        for row, kept in self._kept.items():
            kept.append((self._part(low, row).copy(), self._part(high, row).copy()))

    def observed(self, network: Network) -> Observed:
        """Return the statistics of all images; errors as in `observe`."""
        if not self._lows:
            raise InputError("there are no images to calibrate with")
        lows, highs = np.stack(self._lows, axis=1), np.stack(self._highs, axis=1)
        _check_finite(network, self._sources, lows, highs)
        rows = {index: row for row, index in enumerate(self._sources)}
        row_of = {index: rows[source] for index, source in _origins(network).items()}
        means = self._total / len(self._lows)
        return Observed(
            lows={index: lows[row] for index, row in row_of.items()},
            highs={index: highs[row] for index, row in row_of.items()},
            channel_lows={index: self._part(self._low, row) for index, row in row_of.items()},
            channel_highs={index: self._part(self._high, row) for index, row in row_of.items()},
            means={index: self._part(means, row) for index, row in row_of.items()},
            scenes=np.array(self._scenes, np.intp),
            by_image={self._sources[row]: _stacked(kept) for row, kept in self._kept.items()},
        )

    def _part(self, values: NDArray[Any], row: int) -> NDArray[Any]:
        return values[self._begins[row] : self._begins[row + 1]]


def _stacked(kept: Sequence[Extremes]) -> Extremes:
    lows, highs = zip(*kept, strict=True)
    return np.stack(lows), np.stack(highs)


def _check_finite(network: Network, sources: Sequence[int], lows: Floats, highs: Floats) -> None:
    wrong = np.argwhere(~(np.isfinite(lows) & np.isfinite(highs)))
    if len(wrong):
        row, image = wrong[0]
        raise InputError(
            f"the float model computes values that are not finite in {network.names[sources[row]]}, for image "
            f"{image + 1} of {lows.shape[1]}"
        )


def _origins(network: Network) -> dict[int, int]:
    """Return the activation to probe for each activation: a reshaped tensor has the values of its source."""
    origins = {index: index for index in network.activations if index in network.inputs}
    for operator in network.operators:
        for index in operator.outputs:
            if network.dtype(index) == "float32":
                origins[index] = origins.get(operator.inputs[0], index) if operator.kind in RESHAPING else index
    return origins


class _ProbedModel:
    """A copy of the model that returns three reductions of every activation, and then the *watched* activations.

    Attributes:
        file: the model.
        sources: the indices of the probed tensors.
        channels: the number of channels of each.
    """

    def __init__(self, network: Network, watched: Sequence[int]) -> None:
        self._network = network
        origins = _origins(network)
        self.sources = tuple(index for index, origin in origins.items() if index == origin)
        self.channels = tuple(network.shape(index)[-1] if network.shape(index) else 1 for index in self.sources)
        self.file = network.file.copy()
        model, subgraph = self.file.edit(), self.file.subgraph
        self._edit = Edit(model, subgraph)
        self._axes: dict[int, int] = {}
        raw_operators, subgraph.operators = subgraph.operators, []
        probes = [self._probe(index) for index in origins if index in network.inputs]
        for raw in raw_operators:
            subgraph.operators.append(raw)
            probes += [self._probe(index) for index in raw.outputs if origins.get(index) == index]
        reduced = [index for kind in zip(*probes, strict=True) for index in kind]
        subgraph.outputs, model.signatureDefs = [*reduced, *watched], []

    def _probe(self, index: int) -> list[int]:
        """Add the reductions of the tensor *index* over all axes except the last, and return their tensors."""
        shape = self._network.shape(index)
        kept = (1,) * (len(shape) - 1) + shape[-1:]
        made = []
        for reduction in REDUCTIONS:
            made.append(self._edit.tensor(f"probe_{reduction}_{index}", kept))
            operator = self._edit.operator(reduction, [index, self._axes_but_last(len(shape))], [made[-1]])
            _keep_axes(operator)
        return made

    def _axes_but_last(self, rank: int) -> int:
        if rank not in self._axes:
            self._axes[rank] = self._edit.constant(f"axes_of_rank_{rank}", np.arange(rank - 1, dtype=np.int32))
        return self._axes[rank]


def _keep_axes(operator: Any) -> None:
    from ai_edge_litert.schema_py_generated import BuiltinOptions, ReducerOptionsT

    operator.builtinOptionsType, operator.builtinOptions = BuiltinOptions.ReducerOptions, ReducerOptionsT()
    operator.builtinOptions.keepDims = True
