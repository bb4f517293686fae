"""The choice of the tensors with twin channels: the least error for the fewest multiply-adds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Protocol

from detlite.calibration.models import FloatModel, QuantizedModel
from detlite.calibration.numbers.scheme import DEFAULT_SCHEME
from detlite.calibration.weights.calibrate import Calibrated
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
from detlite.runtime.stream import WORKERS, ahead

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
    check_half_steps(method, source)
    calibrated = method.calibrate(source)
    units = known_units(calibrated)
    if asked.which == AUTO:
        chosen = by_cost(calibrated, units, asked.max_macs, judge.of_file, progress)
        units = tuple(unit for unit in units if unit in chosen)
    return _better(twin_models(calibrated, method, units), units, judge)


def check_half_steps(method: Method, source: FloatModel) -> None:
    """Raise `InputError` if *method*, or the scheme of *source*, has no twin channels."""
    if not method.has_half_steps or source.scheme != DEFAULT_SCHEME:
        raise InputError(
            f"--twin-channels needs the scheme {DEFAULT_SCHEME} and a method that rounds each layer alone, such as "
            f"{DEFAULT_METHOD}"
        )


def known_units(calibrated: Calibrated) -> tuple[TwinUnit, ...]:
    """Return the units of *calibrated* that can have twin channels; `InputError` if there are none."""
    units = twin_units(calibrated.network, calibrated.plan.floating)
    if not units:
        raise InputError(
            "--twin-channels: this model has no tensor that only convolutions and additions read, so none can have "
            "them; leave the option out"
        )
    return units


def twin_models(calibrated: Calibrated, method: Method, units: Sequence[TwinUnit]) -> TwinModels:
    """Return the models of *calibrated* with twin channels for some of *units*."""
    assert method.parameters is not None
    halved = replace(calibrated.plan, halved=halved_layers(calibrated.network, units))
    return TwinModels(calibrated, method.parameters(calibrated), method.parameters(replace(calibrated, plan=halved)))


def by_cost(
    calibrated: Calibrated,
    units: Sequence[TwinUnit],
    max_macs: float,
    noise_of: Callable[[TfliteFile], float],
    progress: Progress,
) -> list[TwinUnit]:
    """Return the units with most error for their multiply-adds, the first ones first, up to *max_macs*.

    The error of a unit is what the outputs of the float model lose when it alone is rounded: such errors add up, and
    are far steadier than the difference of two models in which everything is rounded.

    Args:
        calibrated: the float model.
        units: those to choose from.
        max_macs: the most multiply-adds with all that are returned, as a multiple of the plain ones.
        noise_of: measures the error of a float model some of whose tensors are rounded; lower is better.
        progress: is told of every unit that is tried.
    """
    macs, left, chosen = MultiplyAdds(calibrated.network), dict[TwinUnit, float](), list[TwinUnit]()
    with ThreadPoolExecutor(WORKERS) as pool:
        noises = ahead(pool, lambda unit: noise_of(rounded_alone(calibrated, unit)), units)
        for number, (unit, noise) in enumerate(zip(units, noises, strict=True), 1):
            left[unit] = noise
            progress("tensors for twin channels tried", number, len(units))

    def ratio(unit: TwinUnit) -> float:
        return macs.ratio({index for one in (*chosen, unit) for index in one})

    spent = 1.0
    while fitting := [unit for unit in left if ratio(unit) <= max_macs]:
        best = max(fitting, key=lambda unit: left[unit] / (ratio(unit) - spent))
        del left[best]
        spent = ratio(best)
        chosen.append(best)
    return chosen


def with_facts(models: TwinModels, units: Sequence[TwinUnit]) -> QuantizedModel:
    """Return the model of *models* in which *units* have twin channels; its facts name them."""
    network, twins = models.calibrated.network, tuple(index for unit in units for index in unit)
    made, names = models.made(twins), [network.names[index] for index in twins]
    ratio = round(MultiplyAdds(network).ratio(set(twins)), 3)
    return replace(made, facts={**made.facts, "twin_channels": names, "macs_ratio": ratio})


def _better(models: TwinModels, units: Sequence[TwinUnit], judge: TwinJudge) -> QuantizedModel:
    """Return the model with *units*, or the plain one where it surely has less error; its facts say which."""
    plain = models.made(())
    if not units:
        return replace(plain, facts={**plain.facts, "twin_channels": "none: no tensor is cheap enough"})
    made = with_facts(models, units)
    if judge.is_worse(made, plain):
        return replace(plain, facts={**plain.facts, "twin_channels": "none: they raised the error"})
    return made
