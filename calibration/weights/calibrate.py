"""The steps shared by all of detlite's own methods: ranges and scales before the method, writing the file after it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from detlite.calibration.models import Feed, FloatModel, QuantizedModel
from detlite.calibration.network import Network
from detlite.calibration.numbers.box_codes import code_layers
from detlite.calibration.numbers.kernels import LayerParameters
from detlite.calibration.numbers.number_format import INT8, NumberFormat
from detlite.calibration.numbers.recurrence import NO_STATES, Recurrence, recurrence
from detlite.calibration.numbers.saturation import clip_saturated
from detlite.calibration.numbers.scales import ScalePlan, check_forms, plan_scales
from detlite.calibration.numbers.scheme import DEFAULT_SCHEME, scheme_called
from detlite.calibration.numbers.silent import widen_silent
from detlite.calibration.numbers.transformers import float_by_default
from detlite.calibration.ranges.estimator import ESTIMATORS, Estimator
from detlite.calibration.ranges.observer import Observed, observe
from detlite.calibration.ranges.ranges import Range, Ranges
from detlite.calibration.regions import region_operators
from detlite.calibration.weights.equalize import (
    Factors,
    channel_groups,
    factors_of,
    scaled_covariances,
    scaled_network,
    scaled_statistics,
)
from detlite.calibration.weights.moments import WindowMoments
from detlite.calibration.weights.pixels import int8_image, pixel_quantization, shift_biases
from detlite.runtime.arrays import Doubles
from detlite.runtime.errors import InputError, unknown_name
from detlite.runtime.inputs import ImageInput
from detlite.runtime.plugins import load_plugin
from detlite.runtime.stream_inputs import StateInput

FIRST, MOST_BYTES = 16, 1 << 28
"""The number of samples that are kept, 17 MB for 300 x 300 pixels, and the size from which on no more are: of clips."""


@dataclass(frozen=True, eq=False)
class Calibrated:
    """A float model with everything that quantization needs except the rounded weights.

    Attributes:
        source: the model and options as given.
        network: the parsed float model.
        first: the first samples, at most `FIRST` or some more than `MOST_BYTES`, for methods that measure more.
        observed: the statistics of its activations.
        ranges: the ranges of its activations.
        image: the input of the quantized model.
        plan: the scale of each tensor.
        states: how a stream's states are stored.
        covariances: of the inputs of layers, see `WindowMoments.covariances`; empty if they were not asked for.
        equalized: the ranges of tensors of `network` whose channels are scaled, by name; `ranges` has the source's.
    """

    source: FloatModel
    network: Network
    first: Sequence[Feed]
    observed: Observed
    ranges: Ranges
    image: ImageInput
    plan: ScalePlan
    states: Recurrence = NO_STATES
    covariances: Mapping[str, Doubles] = field(default_factory=dict)
    equalized: Mapping[str, Range] = field(default_factory=dict)


def calibrate(source: FloatModel, *, covariances: bool = False, equalizes: bool = False) -> Calibrated:
    """Return *source* with the scales that follow from its samples or its range file, and *covariances* if asked for.

    With *equalizes*, channels of an int8 model's activations are scaled, see `equalize.py`; not those of a stream.

    Raises:
        InputError: there are no samples, an operator cannot be quantized, or the range file belongs to another model.
    """
    network, numbers = Network(source.file), _numbers(source)
    if source.states and numbers.dtype == "int16":
        raise InputError(f"the scheme {source.scheme} has no form of states: use --scheme {DEFAULT_SCHEME}")
    states = recurrence(network, source.states, source.banks)
    floating = floating_operators(network, source.floating, states)
    check_forms(network, floating, numbers)
    if source.ranges is not None:
        source.ranges.check_model(source.file.data)
    first: list[Feed] = []
    windows = WindowMoments(network, source.sample_count) if covariances else None
    groups = channel_groups(network) if equalizes and numbers is INT8 and not source.states else ()
    kept = [*(index for group in groups for index in group), *_code_layers(source, network)]
    observed = observe(network, lambda: _keeping(source.samples(), first), windows, by_image=kept)
    ranges = source.ranges or _estimated(source, network, observed)
    image = int8_image(network, source.image) if numbers is INT8 else source.image
    made = Calibrated(source, network, first, observed, ranges, image, ScalePlan({}, floating, numbers), states)
    made = replace(made, covariances={} if windows is None else windows.covariances())
    return with_floating(_equalized(made, factors_of(groups, observed)) if groups else made, floating)


def _equalized(calibrated: Calibrated, factors: Factors) -> Calibrated:
    """Return *calibrated* with its channels scaled by *factors*."""
    network, source = calibrated.network, calibrated.source
    scaled, observed = scaled_network(network, factors), scaled_statistics(calibrated.observed, factors)
    before, after = (_estimates(source, *one) for one in ((network, calibrated.observed), (scaled, observed)))
    given = calibrated.ranges.tensors
    names = [name for name in (network.names[index] for index in factors) if name in given]
    return replace(
        calibrated,
        network=scaled,
        observed=observed,
        covariances=scaled_covariances(network, calibrated.covariances, factors),
        equalized={name: _in_proportion(given[name], before[name], after[name]) for name in names},
    )


def _in_proportion(given: Range, before: Range, after: Range) -> Range:
    """Return the range *given* changed as *before* is to *after*."""
    low, high = (
        found if asked == own or not own else asked * found / own
        for asked, own, found in ((given.low, before.low, after.low), (given.high, before.high, after.high))
    )
    return Range(low, high)


def with_floating(calibrated: Calibrated, floating: frozenset[str]) -> Calibrated:
    """Return *calibrated* with exactly the operators named in *floating* left in float.

    *floating* includes those that stay float by default, as `floating_operators` does.
    """
    plan = _planned(calibrated, floating)
    return replace(calibrated, plan=replace(plan, float_outputs=calibrated.source.float_outputs))


def finish(calibrated: Calibrated, parameters: LayerParameters) -> QuantizedModel:
    """Return the quantized model with *parameters*."""
    network, write = calibrated.network, scheme_called(calibrated.source.scheme).write
    assert write is not None
    images = (calibrated.source.image, calibrated.image)
    whole = shift_biases(network, parameters, calibrated.plan.floating, images)
    by_default, regions = float_by_default(network), region_operators(network)
    carried = calibrated.states.operators
    floating = [operator.name for operator in network.operators if operator.name in calibrated.plan.floating]
    asked = [name for name in floating if name not in by_default | regions | carried]
    facts: dict[str, object] = {"estimator": calibrated.ranges.estimator}
    if by_default:
        facts["norms_and_attention_in_float"] = len(by_default)
    if regions:
        facts["box_arithmetic_in_float"] = len(regions)
    if carried:
        facts["bank_in_float" if calibrated.source.banks else "states_in_float"] = len(carried)
    if asked:
        facts["float_operators"] = asked
    if calibrated.equalized:
        facts["equalized_tensors"] = len(calibrated.equalized)
    return QuantizedModel(
        file=write(network, calibrated.plan, whole),
        image=calibrated.image,
        ranges=calibrated.ranges,
        facts=facts,
        states=_stored_states(calibrated),
        code_extremes={
            network.names[index]: calibrated.observed.by_image[index]
            for index in _code_layers(calibrated.source, network)
        },
    )


def _code_layers(source: FloatModel, network: Network) -> tuple[int, ...]:
    return () if source.box_codes is None else code_layers(network, source.box_codes)


def _stored_states(calibrated: Calibrated) -> tuple[StateInput, ...]:
    """Return the contract's states as the model of integers stores them."""
    plan, given = calibrated.plan, calibrated.source.states
    if not plan.numbers.in_place or not given:
        return given
    return tuple(
        one if index in plan.as_given else replace(one, dtype=plan.numbers.dtype, quantization=plan.scales[index])
        for one, index in zip(given, calibrated.network.inputs[1:], strict=True)
    )


def floating_operators(network: Network, selection: Iterable[str], states: Recurrence = NO_STATES) -> frozenset[str]:
    """Return the names of the operators that stay float by default or by *selection*; errors as `named_operators`."""
    by_default = float_by_default(network) | region_operators(network) | states.operators
    return by_default | named_operators(network, selection)


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


def _keeping(samples: Iterator[Feed], first: list[Feed]) -> Iterator[Feed]:
    size = 0
    for sample in samples:
        if len(first) < FIRST and size < MOST_BYTES:
            first.append(sample)
            size += sum(value.nbytes for value in sample.inputs)
        yield sample


def _numbers(source: FloatModel) -> NumberFormat:
    numbers = scheme_called(source.scheme).numbers
    assert numbers is not None
    return numbers


def _planned(calibrated: Calibrated, floating: frozenset[str]) -> ScalePlan:
    network, image, numbers = calibrated.network, calibrated.image, calibrated.plan.numbers
    pixels = image.quantization or pixel_quantization(image, numbers)
    tensors: Mapping[str, Range] = {**calibrated.ranges.tensors, **calibrated.equalized}
    if numbers is INT8:
        tensors = widen_silent(network, clip_saturated(network, tensors))
    return plan_scales(network, tensors, pixels, floating=floating, numbers=numbers, states=calibrated.states)


def _estimated(source: FloatModel, network: Network, observed: Observed) -> Ranges:
    tensors = _estimates(source, network, observed)
    model_sha256 = hashlib.sha256(source.file.data).hexdigest()
    return Ranges(tensors, model_sha256, source.images_sha256, observed.image_count, source.estimator)


def _estimates(source: FloatModel, network: Network, observed: Observed) -> Mapping[str, Range]:
    """Return the range of each activation by its name."""
    estimator: Estimator = load_plugin(ESTIMATORS, source.estimator)
    found = estimator.estimate(network, observed, source.samples)
    return {network.names[index]: found[index] for index in network.activations}
