"""int8 models from one calibration that differ in float or uncorrected operators: a tenth of a second each."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
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
from detlite.runtime.boxes.scores import SCORES
from detlite.runtime.errors import InputError
from detlite.runtime.plugins import load_plugin
from detlite.runtime.task import Heads

NOISE_IMAGES = 4
"""Number of images for measuring noise: the ratio is a mean over a hundred thousand values of each."""

TELLING_SCORE = 0.1
"""A place, such as an anchor, counts where the float model gives a class at least this: noise elsewhere is not seen."""


SHORT_NAMES = {"box_encodings": "boxes", "class_scores": "scores"}
"""What a record calls the heads of these roles; others keep the name of their role."""


@dataclass(frozen=True)
class HeadNoise:
    """The noise of the raw heads in dB, where they show something, and of all together as a power ratio.

    Attributes:
        decibels: signal over noise of each head, by role.
    """

    decibels: Mapping[str, float]

    @property
    def power(self) -> float:
        """Noise over signal, of all heads added."""
        return float(sum(10 ** (-db / 10) for db in self.decibels.values()))

    @property
    def db(self) -> float:
        """Signal over `power`, in dB."""
        return -10 * math.log10(self.power)

    def to_record(self) -> dict[str, float]:
        """Return the decibels: `boxes_db`, `scores_db`, and those of further heads."""
        return {f"{SHORT_NAMES.get(role, role)}_db": db for role, db in self.decibels.items()}


class Trials:
    """Variants of one calibrated model.

    Attributes:
        calibrated: the model, with the operators float that were requested from the start.
        asked: the names of these operators.
        parameters: the method's weights and biases, valid whatever is left float.
        samples: the first calibration images, as the float model's input.
    """

    def __init__(self, source: Model, given: FloatModel, method: str) -> None:
        """Calibrate *given*, which is *source*, for the *method*.

        Raises:
            InputError: the method is a separate quantizer that does not expose its operators, or as `calibrate`.
        """
        chosen: Method = load_plugin(METHODS, method)
        if chosen.parameters is None:
            raise InputError(
                f"the method {method} does everything itself: gates, --explain and --curve need another, "
                f"such as {DEFAULT_METHOD}"
            )
        if given.scheme != DEFAULT_SCHEME:
            raise InputError(
                f"gates and --explain compare int8 with float: with --scheme {given.scheme} leave them out"
            )
        self._source = source
        self.calibrated: Calibrated = calibrate(given)
        self.asked = named_operators(self.calibrated.network, given.floating)
        self.parameters = chosen.parameters(self.calibrated)
        self.samples = list(self.calibrated.first[:NOISE_IMAGES])
        self._wanted = self._heads(source, self.samples)

    def made(self, floating: Collection[str] = (), parameters: LayerParameters | None = None) -> QuantizedModel:
        """Return the model with the operators *floating* left float, with *parameters* or the method's own."""
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
        powers = {role: np.zeros(2) for role in self._wanted[0]}
        for want, got in zip(self._wanted, found, strict=True):
            telling = _telling(want)
            for role, power in powers.items():
                power += _powers(_rows(want[role], want)[telling], _rows(got[role], want)[telling])
        decibels = {
            role: float(10 * np.log10(max(signal, 1e-30) / max(noise, 1e-30)))
            for role, (signal, noise) in powers.items()
        }
        return HeadNoise(decibels)

    def _heads(self, model: Model, samples: Sequence[NDArray[Any]]) -> list[Heads]:
        heads: list[Heads] = []
        session = session_of(model)
        for sample in samples:
            session.invoke(sample)
            heads.append({role: value.copy() for role, value in session.heads().items()})
        return heads


def _rows(head: Floats, heads: Heads) -> Floats:
    """Return *head* with a row for each place that *heads* score: an anchor, a pixel, or the image of a classifier.

    A map of classes without scores has one row.
    """
    scores = heads.get(SCORES)
    return head.reshape(1 if scores is None else scores.size // scores.shape[-1], -1)


def _telling(heads: Heads) -> NDArray[np.intp]:
    """Return the rows where the float model's *heads* find something; the one with the best score where none do."""
    if SCORES not in heads:
        return np.arange(1)
    scores = _rows(heads[SCORES], heads)
    best = scores[:, 1:].max(axis=1) if scores.shape[1] > 1 else scores[:, 0]
    found = np.flatnonzero(best >= TELLING_SCORE)
    return found if len(found) else np.argsort(-best)[:1]


def _powers(want: Floats, got: Floats) -> NDArray[np.float64]:
    signal, noise = np.square(want, dtype=np.float64).sum(), np.square(got - want, dtype=np.float64).sum()
    return np.array([signal, noise])
