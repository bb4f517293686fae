"""From a float model and representative images to an int8 one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from detlite.calibration.images import Images
from detlite.calibration.method import Method, Samples
from detlite.convert.artifact import step
from detlite.convert.stage import Model, digest, with_heads
from detlite.convert.tflite.boundary import with_boundary
from detlite.convert.tflite.describe import describe
from detlite.convert.tflite.heads import canonicalize, refreshed
from detlite.runtime.contract import Contract
from detlite.runtime.errors import FindingError, InputError, unknown_name
from detlite.runtime.images import read_image
from detlite.runtime.plugins import load_plugin
from detlite.runtime.preprocess import preprocess
from detlite.runtime.progress import Progress, silent

METHODS = "detlite.calibration.methods"
DEFAULT_METHOD = "converter"
QUANTIZED = ("int8", "mixed")
IO_TYPES = ("int8", "uint8", "float32")


@dataclass(frozen=True)
class Recipe:
    """How to quantize.

    Attributes:
        method: a file's name in `calibration/methods/`.
        io: dtype of the input, and of raw heads: int8, uint8 or float32.
        heads: `raw`, `postprocess`, or None for those of the source.
    """

    method: str = DEFAULT_METHOD
    io: str = "int8"
    heads: str | None = None

    def __post_init__(self) -> None:
        if self.io not in IO_TYPES:
            raise unknown_name("input and output type", self.io, IO_TYPES)


def quantize(model: Model, images: Images, recipe: Recipe, *, progress: Progress = silent) -> Model:
    """Return *model* quantized to int8, its ranges those of *images*.

    Raises:
        InputError: the model is no float32 one, or an image cannot be read.
        FindingError: nothing was quantized.
    """
    heads = recipe.heads or ("raw" if model.contract.is_raw else "postprocess")
    source = with_heads(model, "raw")
    if source.contract.image.dtype != "float32":
        raise InputError(
            f"the model's input is {source.contract.image.dtype} already; want a float32 model to quantize"
        )
    method: Method = load_plugin(METHODS, recipe.method)
    outside = recipe.io if heads == "raw" else "int8"  # the op reads floats: no third dtype in between
    samples = samples_of(images, source.contract, progress)
    data = canonicalize(method.quantize(source.data, samples))
    if describe(data, "the quantized model").quantization not in QUANTIZED:
        raise FindingError(f"the method {recipe.method} quantized nothing: the model is still float")
    data = with_boundary(data, inputs=recipe.io, outputs=outside)
    contract = refreshed(source.contract, data)
    done = step(
        "quantize",
        input_sha256=digest(source.data),
        method=recipe.method,
        io=recipe.io,
        images=images.origin,
        image_count=len(images.paths),
        images_sha256=images.digest(),
    )
    return with_heads(Model(data, contract, (*source.history, done)), heads)


def samples_of(images: Images, contract: Contract, progress: Progress) -> Samples:
    """Return what gives the model's input for each of *images*, made by the function that the device uses."""

    def samples() -> Iterator[NDArray[Any]]:
        for number, path in enumerate(images.paths):
            progress("calibration", number, len(images.paths))
            yield preprocess(read_image(path), contract.image)
        progress("calibration", len(images.paths), len(images.paths))

    return samples
