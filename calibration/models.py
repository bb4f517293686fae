"""The input and the result of quantization."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

from detlite.calibration.numbers.scheme import DEFAULT_SCHEME
from detlite.calibration.ranges.ranges import Ranges
from detlite.convert.tflite.open_file import TfliteFile
from detlite.runtime.arrays import Floats
from detlite.runtime.inputs import ImageInput
from detlite.runtime.stream_inputs import StateInput

DEFAULT_ESTIMATOR = "mean_min_max"

CALIBRATION, CHANNELS = "calibration", "scales of channels"
"""What progress calls the passes over the samples: the one that observes ranges, and one of video before it."""


Extremes = tuple[Floats, Floats]
"""The minima and the maxima of each channel of a tensor in each image: float32 (images, channels)."""


@dataclass(frozen=True, eq=False)
class Feed:
    """What the float model is fed for one run.

    Attributes:
        inputs: a value for each of its inputs, in its order: the float32 image [1, H, W, C] or clip, then the states.
        scene: the number of the scene: the samples of one scene are frames of one stream.
    """

    inputs: tuple[NDArray[Any], ...]
    scene: int


Samples = Callable[[], Iterator[Feed]]
"""A function that yields the calibration samples, scene by scene."""


def separate(tensors: Iterable[NDArray[Any]]) -> Iterator[Feed]:
    """Yield a sample, and a scene, for each of *tensors*, which are all that the model takes."""
    for number, tensor in enumerate(tensors):
        yield Feed((tensor,), number)


@dataclass(frozen=True, eq=False)
class FloatModel:
    """The input of a quantization method.

    Attributes:
        file: a float32 TFLite model with raw heads, to read, or to copy before a change.
        image: its input, by the contract.
        samples: the calibration images, clips, or frames with states.
        images_sha256: the images' digest.
        estimator: a file's name in `calibration/estimators/`.
        floating: operators that stay float, by type or by their output's name.
        float_outputs: whether outputs stay float, too, where such operators compute them.
        ranges: from a range file, instead of those from *samples*.
        scheme: the name of the target scheme.
        states: the states of a stream, by the contract: the file's inputs after its image.
        banks: the places among the file's inputs of the tensors of a bank of features, which stay as they are.
        box_codes: the number of the output that holds box codes, see `numbers/box_codes.py`; None if none does.
        sample_count: the number of *samples*; None if it is not known before: of frames.
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
    states: tuple[StateInput, ...] = ()
    banks: tuple[int, ...] = ()
    box_codes: int | None = None
    sample_count: int | None = None


@dataclass(frozen=True, eq=False)
class QuantizedModel:
    """The result of a quantization method.

    Attributes:
        file: the model; if it computes in integers, its input and outputs have the scheme's integers too.
        image: the contract's input: a method may move the means to whole pixels.
        ranges: of every activation, if the method provides them.
        facts: facts for the history.
        states: the contract's states, as the model stores them.
        code_extremes: of the layers of the float model that compute box codes, by name; empty if none do.
    """

    file: TfliteFile
    image: ImageInput
    ranges: Ranges | None = None
    facts: Mapping[str, object] = field(default_factory=dict)
    states: tuple[StateInput, ...] = ()
    code_extremes: Mapping[str, Extremes] = field(default_factory=dict)
