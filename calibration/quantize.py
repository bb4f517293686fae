"""From a float model and representative images to a quantized one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from numpy.typing import NDArray

from detlite.accuracy.images import Images
from detlite.calibration.models import DEFAULT_ESTIMATOR, FloatModel, QuantizedModel, Samples
from detlite.calibration.numbers.scheme import DEFAULT_SCHEME, IO_TYPES, check_packing, io_of, scheme_called
from detlite.calibration.ranges.ranges import Ranges
from detlite.calibration.weights.method import DEFAULT_METHOD, METHODS, Method
from detlite.convert.artifact import step
from detlite.convert.finished import check_float_input
from detlite.convert.load import with_heads
from detlite.convert.model import Model
from detlite.convert.tflite.boundary import with_boundary
from detlite.convert.tflite.describe import describe
from detlite.convert.tflite.float_weights import with_float_weights
from detlite.convert.tflite.heads import canonicalize, refreshed
from detlite.convert.tflite.rounding import without_rounding
from detlite.runtime.contract import Contract
from detlite.runtime.errors import FindingError, unknown_name
from detlite.runtime.image.preprocess import preprocess
from detlite.runtime.image.read import read_image
from detlite.runtime.plugins import load_plugin
from detlite.runtime.progress import Progress, silent
from detlite.runtime.stream import WORKERS, ahead
from detlite.runtime.tasks.detection import has_raw_heads

QUANTIZED = ("int8", "int16", "explicit int8", "mixed")


@dataclass(frozen=True)
class Recipe:
    """How to quantize.

    Attributes:
        method: a file's name in `calibration/weights/methods/`.
        io: dtype of the input, and of raw heads: int8, uint8 or float32; None for the scheme's own.
        heads: `raw`, `postprocess`, or None for those of the source.
        estimator: a file's name in `calibration/estimators/`.
        floating: operators that stay float, by kind or by the name of what they make.
        scheme: a file's name in `calibration/schemes/`, with - for _.
    """

    method: str = DEFAULT_METHOD
    io: str | None = None
    heads: str | None = None
    estimator: str = DEFAULT_ESTIMATOR
    floating: tuple[str, ...] = ()
    scheme: str = DEFAULT_SCHEME

    def __post_init__(self) -> None:
        if self.io is not None and self.io not in IO_TYPES:
            raise unknown_name("input and output type", self.io, IO_TYPES)


@dataclass(frozen=True, eq=False)
class Quantized:
    """A quantized model, and the ranges of its activations where the method tells them."""

    model: Model
    ranges: Ranges | None


def quantize(
    model: Model, images: Images, recipe: Recipe, *, ranges: Ranges | None = None, progress: Progress = silent
) -> Quantized:
    """Return *model* quantized with *ranges*, or with those of *images*; or with packed weights alone.

    Raises:
        InputError: the model is no float32 one, an image cannot be read, or the scheme has no use for what is asked.
        FindingError: nothing was quantized.
    """
    scheme, io = scheme_called(recipe.scheme), io_of(recipe.scheme, recipe.io)
    if scheme.pack is not None:
        asked = [name for name, given in (("--float", recipe.floating), ("--ranges", ranges)) if given]
        check_packing(recipe.scheme, tuple(asked))
        return Quantized(_packed(model, recipe, scheme.pack), None)
    heads = recipe.heads or ("raw" if has_raw_heads(model.contract) else "postprocess")
    source = with_heads(model, "raw")
    method: Method = load_plugin(METHODS, recipe.method)
    given = float_model(source, images, recipe, ranges=ranges, progress=progress)
    made = method.quantize(given)
    outside = io if heads == "raw" else scheme.io[0]  # the op reads floats: no third dtype in between
    whole = as_model(source, made, inputs=io, outputs=outside)
    done = step(
        "quantize",
        input_sha256=source.sha256,
        scheme=recipe.scheme,
        method=recipe.method,
        io=io,
        images=images.origin,
        image_count=len(images.paths),
        images_sha256=given.images_sha256,
        **made.facts,
    )
    return Quantized(with_heads(replace(whole, history=(*source.history, done)), heads), made.ranges)


def float_model(
    source: Model, images: Images, recipe: Recipe, *, ranges: Ranges | None = None, progress: Progress = silent
) -> FloatModel:
    """Return what a method starts from, of the model *source* with raw heads; errors as `quantize`."""
    check_float_input(source.contract.image.dtype)
    return FloatModel(
        data=without_rounding(with_float_weights(source.data)),
        image=source.contract.image,
        samples=samples_of(images, source.contract, progress),
        images_sha256=images.digest(),
        estimator=recipe.estimator,
        floating=recipe.floating,
        ranges=ranges,
        scheme=recipe.scheme,
    )


def as_model(source: Model, made: QuantizedModel, *, inputs: str = "int8", outputs: str = "int8") -> Model:
    """Return what a method made of *source* as a model with a contract; these are the dtypes of its input and heads.

    Raises:
        FindingError: nothing was quantized.
    """
    data = canonicalize(made.data)
    if describe(data, "the quantized model").quantization not in QUANTIZED:
        raise FindingError("nothing was quantized: the model is still float")
    data = with_boundary(data, inputs=inputs, outputs=outputs)
    return replace(source, data=data, contract=refreshed(source.contract.with_image(made.image), data))


def _packed(model: Model, recipe: Recipe, pack: Callable[[bytes], bytes]) -> Model:
    heads = recipe.heads or ("raw" if has_raw_heads(model.contract) else "postprocess")
    source = with_heads(model, "raw")
    check_float_input(source.contract.image.dtype)
    data = canonicalize(pack(with_float_weights(source.data)))
    done = step("quantize", input_sha256=source.sha256, scheme=recipe.scheme)
    made = replace(source, data=data, contract=refreshed(source.contract, data), history=(*source.history, done))
    return with_heads(made, heads)


def samples_of(images: Images, contract: Contract, progress: Progress) -> Samples:
    """Return what gives the model's input for each of *images*, made by the function that the device uses."""

    def samples() -> Iterator[NDArray[Any]]:
        with ThreadPoolExecutor(WORKERS) as pool:
            made = ahead(pool, lambda path: preprocess(read_image(path), contract.image), images.paths)
            for number, sample in enumerate(made, 1):
                yield sample
                progress("calibration", number, len(images.paths))

    return samples
