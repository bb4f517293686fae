"""What quantization begins with, and what it makes."""

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
"""Gives, each time it is called, the model's float32 input [1, H, W, C] for each calibration image."""


@dataclass(frozen=True, eq=False)
class FloatModel:
    """What a method starts from.

    Attributes:
        file: a float32 TFLite model with raw heads; to be read, and copied before a change.
        image: its input, by the contract.
        samples: the calibration images.
        images_sha256: their digest.
        estimator: a file's name in `calibration/estimators/`.
        floating: operators that stay float, by kind or by the name of what they make.
        ranges: of a range file, in place of those that *samples* would give.
        scheme: what it is quantized to, by name.
    """

    file: TfliteFile
    image: ImageInput
    samples: Samples
    images_sha256: str = ""
    estimator: str = DEFAULT_ESTIMATOR
    floating: tuple[str, ...] = ()
    ranges: Ranges | None = None
    scheme: str = DEFAULT_SCHEME


@dataclass(frozen=True, eq=False)
class QuantizedModel:
    """What a method makes.

    Attributes:
        file: the model, with the scheme's integers outside too, where it computes in integers.
        image: the input by the contract: a method may move the means to whole pixels.
        ranges: of every activation, where the method tells.
        facts: what it did, for the history.
    """

    file: TfliteFile
    image: ImageInput
    ranges: Ranges | None = None
    facts: Mapping[str, object] = field(default_factory=dict)
