"""The steps shared by all of detlite's own methods: ranges and scales before the method, writing the file after it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from numpy.typing import NDArray

from detlite.calibration.models import FloatModel, QuantizedModel
from detlite.calibration.network import Network
from detlite.calibration.numbers.kernels import LayerParameters
from detlite.calibration.numbers.number_format import INT8, NumberFormat
from detlite.calibration.numbers.saturation import clip_saturated
from detlite.calibration.numbers.scales import ScalePlan, check_forms, plan_scales
from detlite.calibration.numbers.scheme import scheme_called
from detlite.calibration.numbers.silent import widen_silent
from detlite.calibration.numbers.transformers import float_by_default
from detlite.calibration.ranges.estimator import ESTIMATORS, Estimator
from detlite.calibration.ranges.observer import Observed, observe
from detlite.calibration.ranges.ranges import Range, Ranges
from detlite.calibration.regions import region_operators
from detlite.calibration.weights.moments import WindowMoments
from detlite.calibration.weights.pixels import int8_image, pixel_quantization, shift_biases
from detlite.runtime.arrays import Doubles
from detlite.runtime.errors import unknown_name
from detlite.runtime.inputs import ImageInput
from detlite.runtime.plugins import load_plugin

FIRST = 16
"""The number of samples that are kept: 17 MB for 300 x 300 pixels, 79 MB for 640 x 640."""


@dataclass(frozen=True, eq=False)
class Calibrated:
    """A float model with everything that quantization needs except the rounded weights.

    Attributes:
        source: the model and options as given.
        network: the parsed float model.
        first: the first samples, at most `FIRST`, for methods that measure more.
        observed: the statistics of its activations.
        ranges: the ranges of its activations.
        image: the input of the quantized model.
        plan: the scale of each tensor.
        covariances: of the inputs of layers, see `WindowMoments.covariances`; empty if they were not asked for.
    """

    source: FloatModel
    network: Network
    first: Sequence[NDArray[Any]]
    observed: Observed
    ranges: Ranges
    image: ImageInput
    plan: ScalePlan
    covariances: Mapping[str, Doubles] = field(default_factory=dict)


def calibrate(source: FloatModel, *, covariances: bool = False) -> Calibrated:
    """Return *source* with the scales that follow from its samples or its range file, and *covariances* if asked for.

    Raises:
        InputError: there are no samples, an operator cannot be quantized, or the range file belongs to another model.
    """
    network, numbers = Network(source.file), _numbers(source)
    floating = floating_operators(network, source.floating)
    check_forms(network, floating, numbers)
    if source.ranges is not None:
        source.ranges.check_model(source.file.data)
    first: list[NDArray[Any]] = []
    windows = WindowMoments(network) if covariances else None
    observed = observe(network, lambda: _keeping(source.samples(), first), windows)
    ranges = source.ranges or _estimated(source, network, observed)
    image = int8_image(network, source.image) if numbers is INT8 else source.image
    plan = _planned(network, ranges, image, floating, numbers)
    plan = replace(plan, float_outputs=source.float_outputs)
    found = {} if windows is None else windows.covariances()
    return Calibrated(source, network, first, observed, ranges, image, plan, found)


def with_floating(calibrated: Calibrated, floating: frozenset[str]) -> Calibrated:
    """Return *calibrated* with exactly the operators named in *floating* left in float.

    *floating* includes those that stay float by default, as `floating_operators` does.
    """
    numbers = calibrated.plan.numbers
    plan = _planned(calibrated.network, calibrated.ranges, calibrated.image, floating, numbers)
    return replace(calibrated, plan=replace(plan, float_outputs=calibrated.source.float_outputs))


def finish(calibrated: Calibrated, parameters: LayerParameters) -> QuantizedModel:
    """Return the quantized model with *parameters*."""
    network, write = calibrated.network, scheme_called(calibrated.source.scheme).write
    assert write is not None
    images = (calibrated.source.image, calibrated.image)
    whole = shift_biases(network, parameters, calibrated.plan.floating, images)
    by_default, regions = float_by_default(network), region_operators(network)
    floating = [operator.name for operator in network.operators if operator.name in calibrated.plan.floating]
    asked = [name for name in floating if name not in by_default | regions]
    facts: dict[str, object] = {"estimator": calibrated.ranges.estimator}
    if by_default:
        facts["norms_and_attention_in_float"] = len(by_default)
    if regions:
        facts["box_arithmetic_in_float"] = len(regions)
    if asked:
        facts["float_operators"] = asked
    return QuantizedModel(
        file=write(network, calibrated.plan, whole),
        image=calibrated.image,
        ranges=calibrated.ranges,
        facts=facts,
    )


def floating_operators(network: Network, selection: Iterable[str]) -> frozenset[str]:
    """Return the names of the operators that stay float by default or by *selection*; errors as `named_operators`."""
    return float_by_default(network) | region_operators(network) | named_operators(network, selection)


def named_operators(network: Network, selection: Iterable[str]) -> frozenset[str]:
    """Return the names of the operators in *selection*, which are given by type or by name.

    Raises:
        UnknownNameError: an entry matches no operator.
    """
    found: set[str] = set()
    kinds = {operator.kind for operator in network.operators}
    for name in selection:
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
) -> ScalePlan:
    pixels = image.quantization or pixel_quantization(image, numbers)
    tensors = widen_silent(network, clip_saturated(network, ranges.tensors)) if numbers is INT8 else ranges.tensors
    return plan_scales(network, tensors, pixels, floating=floating, numbers=numbers)


def _estimated(source: FloatModel, network: Network, observed: Observed) -> Ranges:
    estimator: Estimator = load_plugin(ESTIMATORS, source.estimator)
    found = estimator.estimate(network, observed, source.samples)
    tensors: dict[str, Range] = {network.names[index]: found[index] for index in network.activations}
    model_sha256 = hashlib.sha256(source.file.data).hexdigest()
    return Ranges(tensors, model_sha256, source.images_sha256, observed.image_count, source.estimator)
