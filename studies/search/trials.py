"""int8 models from one calibration that differ in float or uncorrected operators: a tenth of a second each."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from functools import cached_property
from typing import Any

from numpy.typing import NDArray

from detlite.accuracy.output_error import OutputError, output_error, sure_outputs
from detlite.calibration.models import FloatModel, QuantizedModel
from detlite.calibration.noise import Noise, int8_of, tensor_noise
from detlite.calibration.numbers.kernels import LayerParameters
from detlite.calibration.numbers.scheme import DEFAULT_SCHEME
from detlite.calibration.quantize import as_model
from detlite.calibration.weights.calibrate import Calibrated, finish, floating_operators, with_floating
from detlite.calibration.weights.method import DEFAULT_METHOD, METHODS, Method
from detlite.convert.model import Model, session_of, tflite_model
from detlite.convert.tflite.open_file import TfliteFile
from detlite.runtime.arrays import Doubles
from detlite.runtime.errors import InputError
from detlite.runtime.plugins import load_plugin
from detlite.runtime.task import Heads
from detlite.runtime.tasks.detection import crops_regions
from detlite.studies.search.tails import Tail, tails_of

NOISE_IMAGES = 4
"""Number of images for measuring noise: the ratio is a mean over a hundred thousand values of each."""

SHARE_IMAGES = 8
"""Number of images for measuring the error at the outputs: there a few dozen values of each count."""


class Trials:
    """Variants of one calibrated model.

    Attributes:
        calibrated: the model, with the operators float that were requested from the start.
        method: the method.
        floating: the names of these operators, and of those that stay float by default.
        parameters: the method's weights and biases, valid whatever is left float.
        samples: the first calibration images, as the float model's input.
        has_regions: whether the raw outputs are of regions that differ from model to model: `error` says nothing then.
    """

    def __init__(self, source: Model, given: FloatModel, method: str) -> None:
        """Calibrate *given*, which is *source*, for the *method*.

        Raises:
            InputError: the method is a separate quantizer that does not expose its operators, or as `calibrate`.
        """
        chosen: Method = load_plugin(METHODS, method)
        if chosen.parameters is None:
            raise InputError(
                f"the method {method} does everything itself: budgets and --explain need another, such as "
                f"{DEFAULT_METHOD}"
            )
        if given.scheme != DEFAULT_SCHEME:
            raise InputError(
                f"budgets and --explain compare int8 with float: with --scheme {given.scheme} leave them out"
            )
        self.method, self._source = chosen, source
        self.has_regions = crops_regions(source.contract)
        self.calibrated: Calibrated = chosen.calibrate(given)
        self.floating = floating_operators(self.calibrated.network, given.floating, self.calibrated.states)
        self.parameters = chosen.parameters(self.calibrated)
        self.samples = list(self.calibrated.first[:SHARE_IMAGES])
        tensors = (sample.inputs[0] for sample in self.samples)
        self._sure = [sure_outputs(source.contract, heads) for heads in _heads(source, tensors)]

    def made(self, floating: Collection[str] = (), parameters: LayerParameters | None = None) -> QuantizedModel:
        """Return the model with the operators *floating* left float, with *parameters* or the method's own."""
        planned = with_floating(self.calibrated, self.floating | frozenset(floating))
        return finish(planned, parameters or self.parameters)

    def model(self, floating: Collection[str] = (), parameters: LayerParameters | None = None) -> Model:
        """Return `made` with raw int8 heads and its contract."""
        return self.as_model(self.made(floating, parameters))

    def as_model(self, made: QuantizedModel) -> Model:
        """Return *made* with raw int8 heads and its contract."""
        return as_model(self._source, made)

    def noise(self, made: QuantizedModel) -> dict[str, Noise]:
        """Return the noise of each activation of *made*, by name."""
        return tensor_noise(self.calibrated, made, self.samples[:NOISE_IMAGES])

    @cached_property
    def tails(self) -> tuple[Tail, ...]:
        """The tails of the float model on `samples`, the longest first."""
        return tails_of(self.calibrated.network, self.samples)

    def noise_of_tail(self, tail: Tail, file: TfliteFile) -> Doubles:
        """Return what adds up to `noise_of`, float64 (samples,), of the edited *file* of *tail*."""
        heads = tail.heads(file, self._source.contract)
        return output_error([sure.errors(found) for sure, found in zip(self._sure, heads, strict=True)]).by_image()

    def noise_of(self, file: TfliteFile) -> float:
        """Return noise over signal of the raw outputs of an edited copy of the float model on `samples`."""
        tensors = (sample.inputs[0] for sample in self.samples)
        heads = _heads(tflite_model(file, self._source.contract, ()), tensors)
        return output_error([sure.errors(found) for sure, found in zip(self._sure, heads, strict=True)]).power

    def error(self, model: Model) -> OutputError:
        """Return the error of the raw outputs of *model* on `samples`."""
        image = self._source.contract.image
        codes = (int8_of(sample.inputs[0], image, model.contract.image) for sample in self.samples)
        found = _heads(model, codes)
        return output_error([sure.errors(heads) for sure, heads in zip(self._sure, found, strict=True)])


def _heads(model: Model, tensors: Iterable[NDArray[Any]]) -> Iterator[Heads]:
    """Yield the heads of *model*, which takes one image, for each of *tensors*."""
    session = session_of(model)
    for tensor in tensors:
        session.invoke(tensor)
        yield session.heads()
