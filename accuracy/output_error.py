"""The error of a model's raw outputs against a reference model's, where the reference is sure: boxes, logits, masks.

It ranks models that lose a tenth of a point of mAP on a few dozen images, where mAP needs thousands of them: every sure
anchor is a separate measurement. Fidelity and mAP say what the error means.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detlite.accuracy.anchors import coded_alike
from detlite.accuracy.bootstrap import DRAWS, SEED, Interval, draw_images, interval_of
from detlite.runtime.arrays import Doubles, Floats
from detlite.runtime.boxes.scores import SCORES
from detlite.runtime.contract import Contract
from detlite.runtime.records import Record
from detlite.runtime.task import Heads
from detlite.runtime.tasks.segmentation import CLASSES

SURE_SCORE = 0.1
"""A class of a place (an anchor, a pixel, the image) counts where the reference gives it a score over this."""

UNSURE_SCORE = 1 / 256
"""Scores are clipped to this and to 1 less this before their logits are taken: int8 scores have steps of 1/256."""

MOST_VALUES = 20_000
"""The most logits of an image that count, evenly spaced: a map of pixels has a million."""

SILENT = 1e-30  # a lower power counts as zero

LEAST_DB = -100.0
"""A signal over noise below it is none: the reference's output is zero, or holds its rounding alone."""

SHORT_NAMES = {"box_encodings": "boxes", SCORES: "logits"}
"""What a record calls the outputs of these roles; others keep the name of their role."""


@dataclass(frozen=True, eq=False)
class HeadError:
    """The error of one output, as a sum over the values of each image that count.

    Attributes:
        noise: float64 (images,): of the squared differences from the reference.
        signal: float64 (images,): of the reference's squares.
        count: float64 (images,): how many values count.
    """

    noise: Doubles
    signal: Doubles
    count: Doubles

    @property
    def rms(self) -> float:
        """The root mean square difference: of logits, or in the units of the output."""
        return float(math.sqrt(self.noise.sum() / self.count.sum()))

    @property
    def db(self) -> float:
        """Signal over noise, in dB."""
        return float(-10 * np.log10(self.ratio(np.ones((1, len(self.noise))))[0]))

    def ratio(self, weights: Doubles) -> Doubles:
        """Return noise over signal, float64 (draws,), for each row of *weights* (draws, images)."""
        powers: Doubles = np.maximum(weights @ self.noise, SILENT) / np.maximum(weights @ self.signal, SILENT)
        return powers

    def rms_of_draws(self, weights: Doubles) -> Doubles:
        """Return `rms`, float64 (draws,), for each row of *weights* (draws, images)."""
        found: Doubles = np.sqrt((weights @ self.noise) / np.maximum(weights @ self.count, 1.0))
        return found


@dataclass(frozen=True, eq=False)
class OutputError:
    """The error of a model's raw outputs.

    Attributes:
        heads: of each output, by role.
    """

    heads: Mapping[str, HeadError]

    @property
    def image_count(self) -> int:
        """The number of images."""
        return len(next(iter(self.heads.values())).noise)

    @property
    def power(self) -> float:
        """Noise over signal, of all outputs added."""
        return float(self.powers(np.ones((1, self.image_count)))[0])

    @property
    def db(self) -> float:
        """Signal over `power`, in dB."""
        return -10 * math.log10(self.power)

    def powers(self, weights: Doubles) -> Doubles:
        """Return `power`, float64 (draws,), for each row of *weights* (draws, images)."""
        powers: Doubles = np.sum([one.ratio(weights) for one in self.heads.values()], axis=0)
        return powers

    def gain_db(self, before: OutputError) -> Interval:
        """Return the 95 % interval of `mean_gain_db`."""
        gains = self._gains_db(before)
        return interval_of(draw_images(len(gains), DRAWS, SEED) @ gains / len(gains), SEED)

    def mean_gain_db(self, before: OutputError) -> float:
        """Return the gain: by how many dB the noise is less than *before*, averaged over images.

        A few images hold half of the squared error, so a mean of decibels is steadier than a mean of squares.
        """
        return float(self._gains_db(before).mean())

    def by_image(self) -> Doubles:
        """Return the noise in each image over the signal in all of them, float64 (images,): it adds up to `power`."""
        noise: Doubles = np.sum([one.noise / max(one.signal.sum(), SILENT) for one in self.heads.values()], axis=0)
        return noise

    def _gains_db(self, before: OutputError) -> Doubles:
        ours, theirs = self.by_image(), before.by_image()
        gains: Doubles = 10 * np.log10(np.maximum(theirs, SILENT) / np.maximum(ours, SILENT))
        return gains

    def to_record(self) -> Record:
        """Return `images`, and of each output its `rms` to four digits, its 95 % interval over the images, and `db`."""
        weights = draw_images(self.image_count, DRAWS, SEED)
        record: Record = {"images": self.image_count}
        for role, one in self.heads.items():
            interval = interval_of(one.rms_of_draws(weights), SEED)
            record[SHORT_NAMES.get(role, role)] = {
                "rms": _short(one.rms),
                "low": _short(interval.low),
                "high": _short(interval.high),
                "db": round(one.db, 2),
            }
        return record


def db_text(db: float) -> str:
    """Return a signal over noise in words: `24.1 dB`, or `no signal` below `LEAST_DB`."""
    return f"{db:.1f} dB" if db >= LEAST_DB else "no signal"


@dataclass(frozen=True, eq=False)
class SureOutputs:
    """The outputs of a reference model for one image, where it is sure.

    Attributes:
        contract: of the reference; its task converts scores.
        places: the flat indices of the values that count in each output, by role.
        values: float64, these values: logits of scores, and other outputs as they are.
    """

    contract: Contract
    places: Mapping[str, NDArray[np.intp]]
    values: Mapping[str, Doubles]

    def errors(self, heads: Heads, contract: Contract | None = None) -> dict[str, tuple[float, float, int]]:
        """Return the sums of noise and signal, and their count, of another model's *heads* for the image, by role.

        *contract* is that model's, if its box codes may be for other anchors than the reference's.
        """
        if contract is not None:
            heads = coded_alike(heads, contract.task, self.contract.task)
        found, sums = _picked(self.contract, heads, self.places), {}
        for role, want in self.values.items():
            if role == CLASSES:  # numbers of classes have no distance: count the pixels that differ
                sums[role] = (float((found[role] != want).sum()), float(len(want)), len(want))
            else:
                sums[role] = (float(np.square(found[role] - want).sum()), float(np.square(want).sum()), len(want))
        return sums


def sure_outputs(contract: Contract, heads: Heads) -> SureOutputs:
    """Return the values of the float32 *heads*, by role and without a batch, that count.

    Of the scores, these are the ones over `SURE_SCORE`, or the best one if none is that high. Of an output with a
    row for each place they are the rows of the same places, and of any other output all values.
    """
    scores = contract.task.scored(heads).get(SCORES)
    places = {role: np.arange(head.size) for role, head in heads.items()}
    if scores is not None:
        rows = scores.reshape(-1, scores.shape[-1])
        background = rows.shape[1] - len(contract.labels)
        sure = np.argwhere(rows[:, background:] > SURE_SCORE)
        if not len(sure):
            best = int(rows[:, background:].argmax())
            sure = np.array([divmod(best, len(contract.labels))])
        sure = sure[np.unique(np.linspace(0, len(sure) - 1, min(len(sure), MOST_VALUES)).astype(np.intp))]
        places |= {role: _rows(head, np.unique(sure[:, 0]), len(rows)) for role, head in heads.items()}
        places[SCORES] = sure[:, 0] * rows.shape[1] + background + sure[:, 1]
    return SureOutputs(contract, places, _picked(contract, heads, places))


def output_error(errors: Sequence[Mapping[str, tuple[float, float, int]]]) -> OutputError:
    """Return what `SureOutputs.errors` returned for each image, as one."""
    heads = {}
    for role in errors[0]:
        noise, signal, count = np.array([one[role] for one in errors], np.float64).T
        heads[role] = HeadError(noise, signal, count)
    return OutputError(heads)


def mean_error(errors: Sequence[OutputError]) -> OutputError:
    """Return the mean square of *errors*, each of another model on the same images."""
    heads = {}
    for role, first in errors[0].heads.items():
        noise: Doubles = np.mean([one.heads[role].noise for one in errors], axis=0)
        heads[role] = HeadError(noise, first.signal, first.count)
    return OutputError(heads)


def _rows(head: Floats, sure: NDArray[np.intp], count: int) -> NDArray[np.intp]:
    if head.size % count:
        return np.arange(head.size)
    width = head.size // count
    rows: NDArray[np.intp] = (sure[:, None] * width + np.arange(width)).reshape(-1)
    return rows


def _picked(contract: Contract, heads: Heads, places: Mapping[str, NDArray[np.intp]]) -> dict[str, Doubles]:
    scored = contract.task.scored(heads)
    found = {role: scored[role].reshape(-1)[at].astype(np.float64) for role, at in places.items()}
    if SCORES in found:
        scores = found[SCORES].clip(UNSURE_SCORE, 1 - UNSURE_SCORE)
        found[SCORES] = np.log(scores / (1 - scores))
    return found


def _short(value: float) -> float:
    return float(f"{value:.4g}")
