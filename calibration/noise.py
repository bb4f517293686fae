"""Quantization noise of each activation: its signal-to-noise ratio against the float model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detlite.calibration.models import Feed, FloatModel, QuantizedModel
from detlite.calibration.numbers.saturation import clip_saturated
from detlite.calibration.ranges.activations import open_activations
from detlite.calibration.ranges.ranges import Range
from detlite.calibration.weights.calibrate import Calibrated
from detlite.runtime.inputs import ImageInput
from detlite.runtime.memory import quantized

SILENT = 1e-30  # a lower noise power counts as zero


@dataclass(frozen=True)
class Noise:
    """The noise of one tensor, over several images.

    Attributes:
        snr_db: signal to noise over all values.
        shift: the mean error of a channel relative to the noise, root mean square over channels: 1 if the noise is
            only a shift of whole channels, which a bias can correct, 0 if it is rounding.
    """

    snr_db: float
    shift: float


def tensor_noise(calibrated: Calibrated, made: QuantizedModel, samples: Sequence[Feed]) -> dict[str, Noise]:
    """Return the noise of each activation of *made*, by name, in the operators' order.

    Values beyond a saturating reader's range are not signal, see `detlite.calibration.numbers.saturation`.

    Args:
        calibrated: the float model.
        made: the quantized model.
        samples: what the float model is fed; both models get its states.
    """
    network, limits = calibrated.network, _limits(calibrated)
    names = [network.names[index] for index in network.activations if index not in network.inputs]
    wanted, found = open_activations(network.file, names), open_activations(made.file, names)
    common = [name for name in names if name in wanted.tensors and name in found.tensors]
    sums = {name: _Sums() for name in common}
    for sample in samples:
        want, got = wanted.run(sample), found.run(stored_sample(sample, calibrated.source, made))
        for name in common:
            sums[name].add(_within(want(name), limits.get(name)), got(name))
    return {name: one.noise() for name, one in sums.items()}


def _limits(calibrated: Calibrated) -> dict[str, Range]:
    found = calibrated.ranges.tensors
    cut = clip_saturated(calibrated.network, found)
    return {name: one for name, one in cut.items() if one != found[name]}


def _within(values: NDArray[np.float32], limits: Range | None) -> NDArray[np.float32]:
    return values if limits is None else np.clip(values, limits.low, limits.high)


def int8_of(sample: NDArray[Any], image: ImageInput, stored: ImageInput) -> NDArray[np.int8]:
    """Return the int8 input, described by *stored*, for a float32 input described by *image*."""
    assert stored.quantization is not None
    pixels = sample * np.array(image.std, np.float32) + np.array(image.mean, np.float32)
    real = (pixels - np.array(stored.mean, np.float32)) / np.array(stored.std, np.float32)
    codes = np.rint(real / stored.quantization.scale) + stored.quantization.zero_point
    limited: NDArray[np.int8] = np.clip(codes, -128, 127).astype(np.int8)
    return limited


def stored_sample(sample: Feed, source: FloatModel, made: QuantizedModel) -> Feed:
    """Return what *made* is fed for a *sample* of the float model *source*: codes of the image, and its own states.

    A window stays as it is.
    """
    image, *further = sample.inputs
    if made.states:
        states = zip(further, made.states, strict=True)
        further = [quantized(value, one.dtype, one.quantization) for value, one in states]
    return replace(sample, inputs=(int8_of(image, source.image, made.image), *further))


class _Sums:
    """The powers of one tensor's signal and noise, and the mean error by channel."""

    def __init__(self) -> None:
        self._signal = self._noise = 0.0
        self._count = 0
        self._errors: Any = 0.0

    def add(self, want: NDArray[np.float32], got: NDArray[np.float32]) -> None:
        errors = (got - want).reshape(-1, want.shape[-1] if want.ndim else 1)
        self._signal += float(np.square(want, dtype=np.float64).sum())
        self._noise += float(np.square(errors, dtype=np.float64).sum())
        self._errors = self._errors + errors.sum(axis=0, dtype=np.float64)
        self._count += len(errors)

    def noise(self) -> Noise:
        noise = max(self._noise, SILENT)
        shifted = float(np.square(self._errors / self._count).sum() * self._count)
        return Noise(10 * float(np.log10(max(self._signal, SILENT) / noise)), min(1.0, (shifted / noise) ** 0.5))
