"""The choice of the tensors with twin channels: the least error for the fewest multiply-adds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from detlite.calibration.models import FloatModel, QuantizedModel
from detlite.calibration.numbers.scheme import DEFAULT_SCHEME
from detlite.calibration.weights.calibrate import Calibrated, calibrate
from detlite.calibration.weights.method import DEFAULT_METHOD, Method
from detlite.calibration.weights.twins import (
    MultiplyAdds,
    TwinModels,
    TwinUnit,
    halved_layers,
    rounded_alone,
    twin_units,
)
from detlite.convert.tflite.open_file import TfliteFile
from detlite.runtime.errors import InputError
from detlite.runtime.progress import Progress, silent

NONE, AUTO, ALL = TWIN_CHANNELS = ("none", "auto", "all")
DEFAULT_MAX_MACS = 1.3


@dataclass(frozen=True)
class TwinRequest:
    """Which tensors get twin channels.

    Attributes:
        which: `auto`: those with most error for their multiply-adds; or `all` that can have them.
        max_macs: the most multiply-adds of an `auto` model, as a multiple of the plain model's.
    """

    which: str = AUTO
    max_macs: float = DEFAULT_MAX_MACS


class TwinJudge(Protocol):
    """What measures the error of raw outputs."""

    def is_worse(self, made: QuantizedModel, plain: QuantizedModel) -> bool:
        """Return whether the int8 model *made* surely has more error than *plain*."""

    def of_file(self, file: TfliteFile) -> float:
        """Return the error, lower is better, of a float model some of whose tensors are rounded."""


def with_twins(
    source: FloatModel, method: Method, asked: TwinRequest, judge: TwinJudge, *, progress: Progress = silent
) -> QuantizedModel:
    """Return the int8 model of *source* with twin channels, or the plain one where they surely raise the error.

    *method* rounds weights and corrects biases; *progress* is told of every tensor that is tried.

    Raises:
        InputError: the method or the scheme has no twin channels, no tensor can have them, or as `calibrate`.
    """
    if method.parameters is None or not method.has_half_steps or source.scheme != DEFAULT_SCHEME:
        raise InputError(
            f"--twin-channels needs the scheme {DEFAULT_SCHEME} and a method that rounds each layer alone, such as "
            f"{DEFAULT_METHOD}"
        )
    calibrated = calibrate(source, covariances=method.covariances)
    units = twin_units(calibrated.network, calibrated.plan.floating)
    if not units:
        raise InputError(
            "--twin-channels: this model has no tensor that only convolutions and additions read, so none can have "
            "them; leave the option out"
        )
    if asked.which == AUTO:
        units = cheapest(calibrated, units, asked.max_macs, judge, progress)
    halved = replace(calibrated.plan, halved=halved_layers(calibrated.network, units))
    parameters = method.parameters(calibrated), method.parameters(replace(calibrated, plan=halved))
    return _better(TwinModels(calibrated, *parameters), units, judge)


def cheapest(
    calibrated: Calibrated, units: Sequence[TwinUnit], max_macs: float, judge: TwinJudge, progress: Progress
) -> tuple[TwinUnit, ...]:
    """Return the units with most error for their multiply-adds, until these are *max_macs* times the plain ones.

    The error of a unit is what the outputs of the float model lose when it alone is rounded: such errors add up, and
    are far steadier than the difference of two models in which everything is rounded.
    """
    macs, left, chosen = MultiplyAdds(calibrated.network), dict[TwinUnit, float](), list[TwinUnit]()
    for number, unit in enumerate(units, 1):
        left[unit] = judge.of_file(rounded_alone(calibrated, unit))
        progress("tensors for twin channels tried", number, len(units))

    def ratio(unit: TwinUnit) -> float:
        return macs.ratio({index for one in (*chosen, unit) for index in one})

    spent = 1.0
    while fitting := [unit for unit in left if ratio(unit) <= max_macs]:
        best = max(fitting, key=lambda unit: left[unit] / (ratio(unit) - spent))
        del left[best]
        spent = ratio(best)
        chosen.append(best)
    return tuple(unit for unit in units if unit in chosen)


def _better(models: TwinModels, units: Sequence[TwinUnit], judge: TwinJudge) -> QuantizedModel:
    """Return the model with *units*, or the plain one where it surely has less error; its facts say which."""
    network, plain = models.calibrated.network, models.made(())
    twins = tuple(index for unit in units for index in unit)
    if not twins:
        return replace(plain, facts={**plain.facts, "twin_channels": "none: no tensor is cheap enough"})
    made = models.made(twins)
    if judge.is_worse(made, plain):
        return replace(plain, facts={**plain.facts, "twin_channels": "none: they raised the error"})
    ratio = round(MultiplyAdds(network).ratio(set(twins)), 3)
    names = [network.names[index] for index in twins]
    return replace(made, facts={**made.facts, "twin_channels": names, "macs_ratio": ratio})
