"""How a model is quantized, and the requests for it, as a child process receives them: see `apart.py`."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from detlite.accuracy.images import Images
from detlite.calibration.images.gather import ImageRequest
from detlite.calibration.models import DEFAULT_ESTIMATOR
from detlite.calibration.numbers.box_codes import AUTO, BOX_CODES
from detlite.calibration.numbers.scheme import DEFAULT_SCHEME, IO_TYPES
from detlite.calibration.weights.method import DEFAULT_METHOD
from detlite.calibration.weights.twin_choice import DEFAULT_MAX_MACS, NONE, TWIN_CHANNELS
from detlite.convert.options import DetectorOptions
from detlite.convert.requests import Given
from detlite.runtime.errors import unknown_name

READ, CHECK, QUANTIZE, WRITE = (
    "read the model",
    "check the calibration images",
    "quantize the model",
    "write the result",
)
"""The steps of a quantization, after `CHOOSE`."""


@dataclass(frozen=True)
class Recipe:
    """How to quantize.

    Attributes:
        method: a file's name in `calibration/weights/methods/`.
        io: dtype of the input and of raw heads: int8, uint8 or float32; None for the scheme's default.
        heads: `raw`, `postprocess`, or None for the source's heads.
        estimator: a file's name in `calibration/ranges/estimators/`.
        floating: operators that stay float, by type or by their output's name.
        scheme: a file's name in `calibration/numbers/schemes/`, with - for _.
        twin_channels: one of `TWIN_CHANNELS`.
        max_macs: the most multiply-adds with twin channels that are chosen automatically, as a multiple.
        box_codes: one of `BOX_CODES`.
    """

    method: str = DEFAULT_METHOD
    io: str | None = None
    heads: str | None = None
    estimator: str = DEFAULT_ESTIMATOR
    floating: tuple[str, ...] = ()
    scheme: str = DEFAULT_SCHEME
    twin_channels: str = NONE
    max_macs: float = DEFAULT_MAX_MACS
    box_codes: str = AUTO

    def __post_init__(self) -> None:
        if self.twin_channels not in TWIN_CHANNELS:
            raise unknown_name("choice of twin channels", self.twin_channels, TWIN_CHANNELS)
        if self.box_codes not in BOX_CODES:
            raise unknown_name("choice of box codes", self.box_codes, BOX_CODES)
        if self.io is not None and self.io not in IO_TYPES:
            raise unknown_name("input and output type", self.io, IO_TYPES)


@dataclass(frozen=True)
class LintRequest:
    """The checks of the calibration images.

    Attributes:
        against: images that must not be among them: a folder, or a file that lists them; or None.
        broken: why other files cannot be read.
        fail: whether a finding ends the work before anything is written.
    """

    against: Path | None = None
    broken: tuple[str, ...] = ()
    fail: bool = False


@dataclass(frozen=True)
class QuantizeRequest:
    """A quantization to an artifact in the folder `out`.

    Attributes:
        source: a trained detector, or a float32 model.
        out: the folder.
        force: whether an artifact in `out` is replaced.
        options: facts that the source does not contain.
        images: the calibration images; empty for a scheme that takes none, and where *videos* are given.
        images_origin: where they come from, for the history.
        images_upright: whether they are turned by their EXIF orientation.
        recipe: how to quantize.
        ranges: a file of ranges that are used in place of the images' own; None to observe them.
        lint: the checks of the images; None for no checks.
        videos: what to calibrate with, if it is videos: frames for a model of images, scenes for others.
    """

    source: Path
    out: Path
    force: bool = False
    options: DetectorOptions = field(default_factory=DetectorOptions)
    images: tuple[Path, ...] = ()
    images_origin: str = ""
    images_upright: bool = True
    recipe: Recipe = field(default_factory=Recipe)
    ranges: Path | None = None
    lint: LintRequest | None = None
    videos: ImageRequest | None = None

    @property
    def chosen(self) -> Images:
        """The calibration images."""
        return Images(self.images, self.images_origin, upright=self.images_upright)


@dataclass(frozen=True)
class AuditRequest:
    """A run of the graph that was `given` on some `images`, and a count of the operators of its unrepaired int8 model.

    Attributes:
        given: the trained detector: a graph, or a config with its checkpoint.
        images: files; a few are enough.
        out: the file for the graph's heads (.npz).
        contract: of the converted model, as JSON.
        options: those that it was converted with.
    """

    given: Given
    images: tuple[Path, ...]
    out: Path
    contract: str
    options: DetectorOptions
