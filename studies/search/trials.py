"""int8 models of one calibration that differ in what is left float, or not corrected: a tenth of a second for each."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detlite.calibration.models import FloatModel, QuantizedModel
from detlite.calibration.noise import Noise, int8_of, tensor_noise
from detlite.calibration.numbers.kernels import LayerParameters
from detlite.calibration.numbers.scheme import DEFAULT_SCHEME
from detlite.calibration.quantize import as_model
from detlite.calibration.weights.calibrate import Calibrated, calibrate, finish, named_operators, with_floating
from detlite.calibration.weights.method import DEFAULT_METHOD, METHODS, Method
from detlite.convert.model import Model, session_of
from detlite.runtime.arrays import Floats
from detlite.runtime.errors import InputError
from detlite.runtime.plugins import load_plugin
from detlite.runtime.task import Heads

NOISE_IMAGES = 4
"""Images that noise is measured on: signal to noise is a mean over a hundred thousand values of each."""

TELLING_SCORE = 0.1
"""An anchor counts where the float model gives a class at least this: noise elsewhere changes no detection."""


@dataclass(frozen=True)
class HeadNoise:
    """The noise of the two raw heads, at anchors that show something, in dB; and both together as a power ratio."""

    boxes_db: float
    scores_db: float

    @property
    def power(self) -> float:
        """Noise over signal, of boxes and scores added."""
        return float(10 ** (-self.boxes_db / 10) + 10 ** (-self.scores_db / 10))

    @property
    def db(self) -> float:
        """Signal over `power`, in dB."""
        return -10 * math.log10(self.power)


class Trials:
    """What can be made of one calibrated model.

    Attributes:
        calibrated: with the operators float that were asked for from the start.
        asked: the names of these operators.
        parameters: the method's weights and biases, which hold whatever is left float.
        samples: the first calibration images, as the float model reads them.
    """

    def __init__(self, source: Model, given: FloatModel, method: str) -> None:
        """Calibrate *given*, which is *source*, for the *method*.

        Raises:
            InputError: the method is a quantizer of its own that says nothing of its operators, or as `calibrate`.
        """
        chosen: Method = load_plugin(METHODS, method)
        if chosen.parameters is None:
            raise InputError(
                f"the method {method} does everything itself: gates, --explain and --curve want another, "
                f"{DEFAULT_METHOD} say"
            )
        if given.scheme != DEFAULT_SCHEME:
            raise InputError(
                f"gates and --explain weigh int8 against float: with --scheme {given.scheme} leave them out"
            )
        self._source = source
        self.calibrated: Calibrated = calibrate(given)
        self.asked = named_operators(self.calibrated.network, given.floating)
        self.parameters = chosen.parameters(self.calibrated)
        self.samples = list(self.calibrated.first[:NOISE_IMAGES])
        self._wanted = self._heads(source, self.samples)

    def made(self, floating: Collection[str] = (), parameters: LayerParameters | None = None) -> QuantizedModel:
        """Return the model with the operators called *floating* left float, with *parameters* or the method's own."""
        planned = with_floating(self.calibrated, self.asked | frozenset(floating))
        return finish(planned, parameters or self.parameters)

    def model(self, floating: Collection[str] = (), parameters: LayerParameters | None = None) -> Model:
        """Return `made` with raw int8 heads and its contract."""
        return as_model(self._source, self.made(floating, parameters))

    def noise(self, made: QuantizedModel) -> dict[str, Noise]:
        """Return the noise of each activation of *made*, by name."""
        return tensor_noise(self.calibrated, made, self.samples)

    def head_noise(self, model: Model) -> HeadNoise:
        """Return the noise of the heads of *model*."""
        image = self._source.contract.image
        found = self._heads(model, [int8_of(sample, image, model.contract.image) for sample in self.samples])
        powers = np.zeros((2, 2))
        for want, got in zip(self._wanted, found, strict=True):
            telling = _telling(want["class_scores"])
            for row, role in enumerate(("box_encodings", "class_scores")):
                powers[row] += _powers(want[role][telling], got[role][telling])
        decibels = 10 * np.log10(np.maximum(powers[:, 0], 1e-30) / np.maximum(powers[:, 1], 1e-30))
        return HeadNoise(float(decibels[0]), float(decibels[1]))

    def _heads(self, model: Model, samples: Sequence[NDArray[Any]]) -> list[Heads]:
        heads: list[Heads] = []
        session = session_of(model)
        for sample in samples:
            session.invoke(sample)
            heads.append({role: value.copy() for role, value in session.heads().items()})
        return heads


def _telling(scores: Floats) -> NDArray[np.intp]:
    best = scores[:, 1:].max(axis=1) if scores.shape[1] > 1 else scores[:, 0]
    found = np.flatnonzero(best >= TELLING_SCORE)
    return found if len(found) else np.argsort(-best)[:1]


def _powers(want: Floats, got: Floats) -> NDArray[np.float64]:
    signal, noise = np.square(want, dtype=np.float64).sum(), np.square(got - want, dtype=np.float64).sum()
    return np.array([signal, noise])
