"""From a float model and representative images to a quantized one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from detlite.accuracy.images import Images
from detlite.accuracy.output_error import OutputError, output_error, sure_outputs
from detlite.calibration.models import FloatModel, QuantizedModel, Samples
from detlite.calibration.numbers.scheme import check_packing, io_of, scheme_called
from detlite.calibration.ranges.ranges import Ranges
from detlite.calibration.recipe import Recipe
from detlite.calibration.weights.method import METHODS, Method
from detlite.calibration.weights.twin_choice import NONE, TwinRequest, with_twins
from detlite.convert.artifact import step
from detlite.convert.finished import check_float_input
from detlite.convert.load import with_heads
from detlite.convert.model import Model, session_of, tflite_model
from detlite.convert.tflite.boundary import set_boundary
from detlite.convert.tflite.describe import description_of
from detlite.convert.tflite.float_weights import unpack_weights
from detlite.convert.tflite.heads import canonicalize, input_names, refreshed
from detlite.convert.tflite.open_file import TfliteFile
from detlite.convert.tflite.rounding import remove_rounding
from detlite.runtime.contract import Contract
from detlite.runtime.errors import FindingError, InputError
from detlite.runtime.image.preprocess import preprocess
from detlite.runtime.image.read import read_image
from detlite.runtime.inputs import ImageInput
from detlite.runtime.plugins import load_plugin
from detlite.runtime.progress import Progress, silent
from detlite.runtime.stream import WORKERS, ahead
from detlite.runtime.tasks.detection import crops_regions, has_raw_heads
from detlite.runtime.tasks.instances import Instances

INPUT_TITLES = {"clip": "clips", "state": "states", "bank": "a bank of features"}
"""What a model is fed besides single images."""

ERROR_IMAGES = 4
"""Calibration images that the error of every model is measured on: each takes an inference in float and one in int8."""

TWIN_IMAGES = 32
"""Calibration images that decide whether twin channels stay; a few of them show which tensors are worth it."""

QUANTIZED = ("int8", "int16", "explicit int8", "mixed")


@dataclass(frozen=True, eq=False)
class Quantized:
    """A quantized model.

    Attributes:
        model: the model.
        ranges: of its activations, if the method provides them.
        error: of its raw outputs against the float model's, on a few calibration images; None if only weights were
            packed, or if the model crops regions that it finds itself, which differ from model to model.
    """

    model: Model
    ranges: Ranges | None
    error: OutputError | None = None


def quantize(
    model: Model, images: Images, recipe: Recipe, *, ranges: Ranges | None = None, progress: Progress = silent
) -> Quantized:
    """Return *model* quantized with *ranges*, or with ranges from *images*, or with only its weights packed.

    Raises:
        InputError: the model is not float32, or takes more than single images; an image cannot be read; or the
            scheme does not support an option.
        FindingError: nothing was quantized.
    """
    scheme, io = scheme_called(recipe.scheme), io_of(recipe.scheme, recipe.io)
    if scheme.pack is not None:
        twins = recipe.twin_channels != NONE
        given_options = (("--float", recipe.floating), ("--ranges", ranges), ("--twin-channels", twins))
        asked = [name for name, given in given_options if given]
        check_packing(recipe.scheme, tuple(asked))
        return Quantized(_packed(model, recipe, scheme.pack), None)
    heads = recipe.heads or ("raw" if has_raw_heads(model.contract) else "postprocess")
    source = with_heads(model, "raw")
    method: Method = load_plugin(METHODS, recipe.method)
    given = float_model(source, images, recipe, ranges=ranges, progress=progress)
    if recipe.twin_channels == NONE:
        made = method.quantize(given)
    else:
        _refuse_twins_of_regions(source.contract)
        asked_twins = TwinRequest(recipe.twin_channels, recipe.max_macs)
        made = with_twins(given, method, asked_twins, ErrorJudge(source, images, TWIN_IMAGES), progress=progress)
    outside = io if heads == "raw" else scheme.io[0]  # the op reads floats: avoid a third dtype in between
    whole = as_model(source, made, inputs=io, outputs=outside)
    error = None if crops_regions(source.contract) else ErrorJudge(source, images, ERROR_IMAGES).error(whole)
    done = step(
        "quantize",
        input_sha256=source.sha256,
        scheme=recipe.scheme,
        method=recipe.method,
        io=io,
        images=images.origin,
        image_count=len(images.paths),
        images_sha256=given.images_sha256,
        **images.orientation_facts(),
        **made.facts,
        **({} if error is None else {"error": error.to_record()}),
    )
    return Quantized(with_heads(whole.after(done), heads), made.ranges, error)


def float_model(
    source: Model, images: Images, recipe: Recipe, *, ranges: Ranges | None = None, progress: Progress = silent
) -> FloatModel:
    """Return the method's input for the model *source* with raw heads; errors as `quantize`."""
    _refuse_further_inputs(source.contract)
    _refuse_peaks_in_the_network(source.contract)
    file = _float_file(source)
    remove_rounding(file)
    return FloatModel(
        file=file,
        image=source.contract.image,
        samples=samples_of(images, source.contract, progress),
        images_sha256=images.digest(),
        estimator=recipe.estimator,
        floating=recipe.floating,
        float_outputs=crops_regions(source.contract),
        ranges=ranges,
        scheme=recipe.scheme,
    )


def as_model(source: Model, made: QuantizedModel, *, inputs: str = "int8", outputs: str = "int8") -> Model:
    """Return a method's result for *source* as a model with a contract, and with *source*'s history.

    *inputs* and *outputs* are the dtypes of its input and heads; the heads of a two-stage detector stay float.

    Raises:
        FindingError: nothing was quantized.
    """
    file = made.file.copy()
    names = source.contract.output_names
    canonicalize(file, outputs=names, inputs=input_names(source.contract))
    if description_of(file.model).quantization not in QUANTIZED:
        raise FindingError("nothing was quantized: the model is still float")
    ends = "float32" if crops_regions(source.contract) else outputs
    set_boundary(file, inputs=inputs, outputs=ends, names=names)
    contract = refreshed(source.contract.with_image(made.image), file)
    return tflite_model(file, contract, source.history)


class ErrorJudge:
    """A few images, and what the float model's raw outputs are in them."""

    def __init__(self, source: Model, images: Images, count: int) -> None:
        """Run the float model *source* on the first *count* of *images*."""
        self._source = source
        self._pixels = [read_image(path, upright=images.upright) for path in images.paths[:count]]
        session = session_of(source)
        self._sure = []
        for pixels in self._pixels:
            session.invoke(session.preprocess(pixels))
            self._sure.append(sure_outputs(source.contract, session.heads()))

    def is_worse(self, made: QuantizedModel, plain: QuantizedModel) -> bool:
        """Return whether the raw outputs of *made* surely have more error than *plain*'s, image by image.

        A few images tell a large loss from chance, but not a small gain.
        """
        ours, theirs = (self.error(as_model(self._source, one)) for one in (made, plain))
        return ours.gain_db(theirs).high < 0

    def of_file(self, file: TfliteFile) -> float:
        """Return noise over signal of an edited copy of the float model, on a few of the images: it is alike in all."""
        return self.error(tflite_model(file, self._source.contract, ()), count=ERROR_IMAGES).power

    def error(self, made: Model, *, count: int | None = None) -> OutputError:
        """Return the error of the raw outputs of *made* in the images, or in the first *count* of them."""
        session, errors = session_of(made), []
        for pixels, sure in zip(self._pixels[:count], self._sure[:count], strict=True):
            session.invoke(session.preprocess(pixels))
            errors.append(sure.errors(session.heads()))
        return output_error(errors)


def _packed(model: Model, recipe: Recipe, pack: Callable[[TfliteFile], None]) -> Model:
    heads = recipe.heads or ("raw" if has_raw_heads(model.contract) else "postprocess")
    source = with_heads(model, "raw")
    file = _float_file(source)
    pack(file)
    canonicalize(file, outputs=source.contract.output_names, inputs=input_names(source.contract))
    done = step("quantize", input_sha256=source.sha256, scheme=recipe.scheme)
    made = tflite_model(file, refreshed(source.contract, file), (*source.history, done))
    return with_heads(made, heads)


def _float_file(source: Model) -> TfliteFile:
    """Return a copy of the file of *source* with float32 weights; errors as `quantize`."""
    check_float_input(source.contract.image.dtype)
    file = source.file.copy()
    unpack_weights(file)
    return file


def _refuse_twins_of_regions(contract: Contract) -> None:
    if crops_regions(contract):
        raise InputError(
            "--twin-channels is judged by the error of raw outputs, and the regions of a two-stage detector differ "
            "from model to model: leave the option out"
        )


def _refuse_further_inputs(contract: Contract) -> None:
    """Raise `InputError` where single images are not all that a model with *contract* is fed."""
    others = [one.kind for one in contract.inputs if not isinstance(one, ImageInput)]
    if others:
        raise InputError(
            f"the model takes {' and '.join(INPUT_TITLES[kind] for kind in dict.fromkeys(others))}, and only models of "
            "single images can be calibrated: use --scheme float16 or dynamic, which need no images"
        )


def _refuse_peaks_in_the_network(contract: Contract) -> None:
    """Raise `InputError` for a DeepMAC: it counts cells and classes in numbers that 8 bits cannot tell apart."""
    if isinstance(contract.task, Instances) and contract.task.detection.nms.kind == "peaks" and crops_regions(contract):
        raise InputError(
            "the model finds peaks and crops their regions in the network, which has no int8 form (a DeepMAC): use "
            "--scheme float16 or dynamic"
        )


def samples_of(images: Images, contract: Contract, progress: Progress) -> Samples:
    """Return a function that yields the model's input for each of *images*, preprocessed as on the device."""

    def samples() -> Iterator[NDArray[Any]]:
        with ThreadPoolExecutor(WORKERS) as pool:
            made = ahead(
                pool, lambda path: preprocess(read_image(path, upright=images.upright), contract.image), images.paths
            )
            for number, sample in enumerate(made, 1):
                yield sample
                progress("calibration", number, len(images.paths))

    return samples
