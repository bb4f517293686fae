"""What every method of our own begins and ends with: ranges and scales before it, the written file behind it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from numpy.typing import NDArray

from detlite.calibration.models import FloatModel, QuantizedModel
from detlite.calibration.network import Network
from detlite.calibration.numbers.kernels import Parameters
from detlite.calibration.numbers.number_format import INT8, NumberFormat
from detlite.calibration.numbers.saturation import saturated
from detlite.calibration.numbers.scales import Plan, check_forms, plan_scales
from detlite.calibration.numbers.scheme import scheme_called
from detlite.calibration.ranges.estimator import ESTIMATORS, Estimator
from detlite.calibration.ranges.observer import Observed, observe
from detlite.calibration.ranges.ranges import Range, Ranges
from detlite.calibration.weights.pixels import int8_image, pixel_quantization, shifted
from detlite.runtime.errors import unknown_name
from detlite.runtime.inputs import ImageInput
from detlite.runtime.plugins import load_plugin

FIRST = 16
"""Samples that are kept: 17 MB for 300 x 300 pixels, 79 MB for 640 x 640."""


@dataclass(frozen=True, eq=False)
class Calibrated:
    """A float model whose quantized form is decided, but for its weights.

    Attributes:
        source: what was given.
        network: the float model, read.
        first: the first samples, at most `FIRST`, for what looks closer.
        observed: what its activations hold.
        ranges: the ranges that follow.
        image: the input that the quantized model will have.
        plan: the scale of each tensor.
    """

    source: FloatModel
    network: Network
    first: Sequence[NDArray[Any]]
    observed: Observed
    ranges: Ranges
    image: ImageInput
    plan: Plan


def calibrate(source: FloatModel) -> Calibrated:
    """Return *source* with the scales that its samples, or its range file, call for.

    Raises:
        InputError: there are no samples, an operator has no such form, or the range file is of another model.
    """
    network, numbers = Network(source.file), _numbers(source)
    floating = named_operators(network, source.floating)
    check_forms(network, floating, numbers)
    if source.ranges is not None:
        source.ranges.check_model(source.file.data)
    first: list[NDArray[Any]] = []
    observed = observe(network, lambda: _keeping(source.samples(), first))
    ranges = source.ranges or _estimated(source, network, observed)
    image = int8_image(network, source.image) if numbers is INT8 else source.image
    plan = _planned(network, ranges, image, floating, numbers)
    return Calibrated(source, network, first, observed, ranges, image, plan)


def replanned(calibrated: Calibrated, floating: frozenset[str]) -> Calibrated:
    """Return *calibrated* with the operators called *floating* left float, and no others."""
    numbers = calibrated.plan.numbers
    plan = _planned(calibrated.network, calibrated.ranges, calibrated.image, floating, numbers)
    return replace(calibrated, plan=plan)


def finish(calibrated: Calibrated, parameters: Parameters) -> QuantizedModel:
    """Return the quantized model with *parameters*, written."""
    network, write = calibrated.network, scheme_called(calibrated.source.scheme).write
    assert write is not None
    whole = shifted(network, parameters, calibrated.source.image, calibrated.image)
    floating = [operator.name for operator in network.operators if operator.name in calibrated.plan.floating]
    facts: dict[str, object] = {"estimator": calibrated.ranges.estimator}
    if floating:
        facts["float_operators"] = floating
    return QuantizedModel(
        file=write(network, calibrated.plan, whole),
        image=calibrated.image,
        ranges=calibrated.ranges,
        facts=facts,
    )


def named_operators(network: Network, wanted: Iterable[str]) -> frozenset[str]:
    """Return the names of the operators that *wanted* means, by kind or by name.

    Raises:
        UnknownNameError: there is no such operator.
    """
    found: set[str] = set()
    kinds = {operator.kind for operator in network.operators}
    for name in wanted:
        here = {operator.name for operator in network.operators if name in (operator.kind, operator.name)}
        if not here:
            raise unknown_name("operator", name, [*kinds, *(operator.name for operator in network.operators)])
        found |= here
    return frozenset(found)


def _keeping(samples: Iterator[NDArray[Any]], first: list[NDArray[Any]]) -> Iterator[NDArray[Any]]:
    for sample in samples:
        if len(first) < FIRST:
            first.append(sample)
        yield sample


def _numbers(source: FloatModel) -> NumberFormat:
    numbers = scheme_called(source.scheme).numbers
    assert numbers is not None
    return numbers


def _planned(
    network: Network, ranges: Ranges, image: ImageInput, floating: frozenset[str], numbers: NumberFormat
) -> Plan:
    pixels = image.quantization or pixel_quantization(image, numbers)
    tensors = saturated(network, ranges.tensors) if numbers is INT8 else ranges.tensors
    return plan_scales(network, tensors, pixels, floating=floating, numbers=numbers)


def _estimated(source: FloatModel, network: Network, observed: Observed) -> Ranges:
    estimator: Estimator = load_plugin(ESTIMATORS, source.estimator)
    found = estimator.estimate(network, observed, source.samples)
    tensors: dict[str, Range] = {network.names[index]: found[index] for index in network.activations}
    model_sha256 = hashlib.sha256(source.file.data).hexdigest()
    return Ranges(tensors, model_sha256, source.images_sha256, observed.image_count, source.estimator)
