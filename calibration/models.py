"""The input and the result of quantization."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

from detlite.calibration.numbers.scheme import DEFAULT_SCHEME
from detlite.calibration.ranges.ranges import Ranges
from detlite.convert.tflite.open_file import TfliteFile
from detlite.runtime.inputs import ImageInput

DEFAULT_ESTIMATOR = "mean_min_max"

Samples = Callable[[], Iterator[NDArray[Any]]]
"""A function that yields the model's float32 input [1, H, W, C] for each calibration image."""


@dataclass(frozen=True, eq=False)
class FloatModel:
    """The input of a quantization method.

    Attributes:
        file: a float32 TFLite model with raw heads, to read, or to copy before a change.
        image: its input, by the contract.
        samples: the calibration images.
        images_sha256: the images' digest.
        estimator: a file's name in `calibration/estimators/`.
        floating: operators that stay float, by type or by their output's name.
        float_outputs: whether outputs stay float, too, where such operators compute them.
        ranges: from a range file, instead of those from *samples*.
        scheme: the name of the target scheme.
    """

    file: TfliteFile
    image: ImageInput
    samples: Samples
    images_sha256: str = ""
    estimator: str = DEFAULT_ESTIMATOR
    floating: tuple[str, ...] = ()
    float_outputs: bool = False
    ranges: Ranges | None = None
    scheme: str = DEFAULT_SCHEME


@dataclass(frozen=True, eq=False)
class QuantizedModel:
    """The result of a quantization method.

    Attributes:
        file: the model; if it computes in integers, its input and outputs have the scheme's integers too.
        image: the contract's input: a method may move the means to whole pixels.
        ranges: of every activation, if the method provides them.
        facts: facts for the history.
    """

    file: TfliteFile
    image: ImageInput
    ranges: Ranges | None = None
    facts: Mapping[str, object] = field(default_factory=dict)
