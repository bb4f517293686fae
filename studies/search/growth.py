"""How the error of an int8 stream grows over its frames: of its outputs, of its states, of each operator.

The float model and the int8 model run side by side over the same scenes, each with its own states, as on a device.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detlite.accuracy.frame_errors import SILENT, is_near
from detlite.calibration.material import Material
from detlite.calibration.network import Network
from detlite.calibration.numbers.saturation import clip_saturated
from detlite.calibration.quantize import Quantized
from detlite.calibration.ranges.ranges import Range
from detlite.convert.model import Model
from detlite.convert.tflite.tensors import dtype_name, name_of
from detlite.runtime.arrays import Doubles, Floats
from detlite.runtime.artifact import Artifact
from detlite.runtime.records import Record
from detlite.runtime.runners.interpreter import Opened
from detlite.runtime.session import Session
from detlite.runtime.stream_inputs import StateInput
from detlite.studies.search.blame import short

GROWS_DB = 3.0
"""By how much the last frames must be worse than those before for an error that is said to grow."""


@dataclass(frozen=True)
class TensorGrowth:
    """An operator's output: signal to noise around each frame of `Growth.frames`, in dB.

    Attributes:
        name, kind: of the operator.
        db: in the order of the frames.
        lost_db: by how much it is worse than the operator's noisiest input, at the end.
    """

    name: str
    kind: str
    db: tuple[float, ...]
    lost_db: float


@dataclass(frozen=True)
class StateGrowth:
    """A state: its dtype in the int8 model, the scale of its codes or None, and signal to noise of its next value."""

    name: str
    dtype: str
    scale: float | None
    db: tuple[float, ...]


@dataclass(frozen=True)
class Growth:
    """How the error of a stream grows.

    Attributes:
        frames: since a stream's begin, from 1.
        outputs: signal to noise of the raw outputs around these frames, in dB.
        states: in the contract's order.
        tensors: in the order of the operators; those that stay float are left out.
    """

    frames: tuple[int, ...]
    outputs: tuple[float, ...]
    states: tuple[StateGrowth, ...]
    tensors: tuple[TensorGrowth, ...]

    @property
    def verdict(self) -> str:
        """Whether the error grows, and what loses most at the end, in one sentence."""
        before = min(self.outputs[1:-1] or self.outputs[:1])
        grows = before - self.outputs[-1]
        told = f"grows by {grows:.1f} dB" if grows > GROWS_DB else "does not grow"
        said = f"The error {told} up to frame {self.frames[-1]}, where the outputs have {self.outputs[-1]:.1f} dB"
        if not self.tensors:
            return f"{said}; no operator of integers has an error of its own."
        worst = max(self.tensors, key=lambda one: one.lost_db)
        return f"{said}; there {worst.kind} {short(worst.name)} loses most, {worst.lost_db:.1f} dB."

    def to_record(self) -> Record:
        """Return the fields, and the verdict, as JSON carries them."""
        return {**asdict(self), "verdict": self.verdict}


def growth(source: Model, quantized: Quantized, material: Material) -> Growth:
    """Return how the error of *quantized*, made of the float stream *source*, grows over the judged scenes."""
    assert quantized.by_frame is not None
    assert quantized.ranges is not None
    network, marks = Network(source.file), quantized.by_frame.marks()
    frames = tuple(one.frame for one in marks)
    names = [network.names[index] for operator in network.operators for index in operator.outputs]
    found = _Sums(frames, _limits(network, quantized.ranges.tensors))
    float_model, int8 = (_Watched(one, names) for one in (source, quantized.model))
    runs = zip(material.heads(float_model.session), material.heads(int8.session), strict=True)
    for (number, _want), _got in runs:
        near = [place for place, frame in enumerate(frames) if is_near(number, frame)]
        for name in float_model.places if near else ():
            if name in int8.places:
                found.add(name, near, float_model.value(name), int8.value(name))
    db = found.db()
    return Growth(
        frames,
        tuple(one.db for one in marks),
        tuple(_state(one, network, db) for one in quantized.model.contract.inputs if isinstance(one, StateInput)),
        tuple(_tensors(network, db, int8.integers)),
    )


def _limits(network: Network, ranges: Any) -> dict[str, Range]:
    cut = clip_saturated(network, ranges)
    return {name: one for name, one in cut.items() if one != ranges[name]}


def _state(state: StateInput, network: Network, db: dict[str, tuple[float, ...]]) -> StateGrowth:
    scale = None if state.quantization is None else state.quantization.scale
    return StateGrowth(state.name, state.dtype, scale, db.get(network.names[network.outputs[state.output]], ()))


def _tensors(network: Network, db: dict[str, tuple[float, ...]], integers: frozenset[str]) -> Iterable[TensorGrowth]:
    """Yield what the operators make whose output has codes: arithmetic in float loses nothing."""
    for operator in network.operators:
        if operator.name in db and operator.name in integers:
            inputs = [db[network.names[i]][-1] for i in operator.inputs if i >= 0 and network.names[i] in db]
            lost = min(inputs) - db[operator.name][-1] if inputs else 0.0
            yield TensorGrowth(operator.name, operator.kind, db[operator.name], lost)


class _Watched:
    """A model that returns activations besides its outputs, in a session that carries its states.

    Attributes:
        session: it.
        places: of the activations among the outputs, by name.
        integers: the names of those that are stored as integers.
    """

    def __init__(self, model: Model, names: Sequence[str]) -> None:
        copied = model.file.copy()
        edited, subgraph = copied.edit(), copied.subgraph
        by_name = {name_of(tensor): index for index, tensor in enumerate(subgraph.tensors)}
        known = [name for name in names if name in by_name]
        self.places = {name: len(subgraph.outputs) + place for place, name in enumerate(known)}
        subgraph.outputs, edited.signatureDefs = [*subgraph.outputs, *(by_name[name] for name in known)], []
        self.integers = frozenset(name for name in known if "int" in dtype_name(subgraph.tensors[by_name[name]]))
        self._opened: Opened = copied.interpreter()
        self.session = Session(Artifact(Path("model.tflite"), model.contract, ()), runner=self._opened)

    def value(self, name: str) -> Floats:
        """Return the real values of an activation of the last frame, float32."""
        detail = self._opened.outputs[self.places[name]]
        stored: NDArray[Any] = self._opened.output(detail["index"])
        if not np.issubdtype(stored.dtype, np.integer) or not detail["quantization"][0]:
            return stored.astype(np.float32)
        scale, zero_point = detail["quantization"]
        real: Floats = (stored.astype(np.float32) - np.float32(zero_point)) * np.float32(scale)
        return real


class _Sums:
    """The powers of signal and noise of each tensor, around each frame."""

    def __init__(self, frames: Sequence[int], limits: dict[str, Range]) -> None:
        self._count, self._limits = len(frames), limits
        self._powers: dict[str, Doubles] = {}

    def add(self, name: str, near: Sequence[int], want: Floats, got: Floats) -> None:
        """Add a frame that is *near* these places; what saturates after the tensor is no signal."""
        limits = self._limits.get(name)
        if limits is not None:
            want = np.clip(want, limits.low, limits.high)
        powers = self._powers.setdefault(name, np.zeros((2, self._count)))
        powers[0, near] += float(np.square(want, dtype=np.float64).sum())
        powers[1, near] += float(np.square(got - want, dtype=np.float64).sum())

    def db(self) -> dict[str, tuple[float, ...]]:
        """Return signal over noise by tensor; tensors that are exact are left out."""
        return {name: _decibels(*powers) for name, powers in self._powers.items() if powers[1].any()}


def _decibels(signal: Doubles, noise: Doubles) -> tuple[float, ...]:
    ratios = np.maximum(signal, SILENT) / np.maximum(noise, SILENT)
    return tuple(round(float(one), 2) for one in 10 * np.log10(ratios))
