"""What a model is calibrated and judged with: images one by one, clips, or the frames of streams."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from detlite.accuracy.images import Images
from detlite.calibration.models import CALIBRATION, Feed, Samples
from detlite.calibration.video.clips import ClipFootage
from detlite.calibration.video.footage import Footage, takes_video
from detlite.calibration.video.streams import StreamFootage
from detlite.convert.tflite.open_file import TfliteFile
from detlite.runtime.arrays import Pixels
from detlite.runtime.contract import Contract
from detlite.runtime.errors import InputError
from detlite.runtime.image.read import read_image
from detlite.runtime.progress import Progress, silent
from detlite.runtime.session import Session, input_of
from detlite.runtime.stream import WORKERS, ahead
from detlite.runtime.task import Heads


class Material(Protocol):
    """The samples of a calibration, and what the error of a model is measured on."""

    @property
    def count(self) -> int:
        """The number of samples."""

    @property
    def unread(self) -> tuple[str, ...]:
        """Why each of the videos that were left out cannot be read."""

    def samples(self, file: TfliteFile, contract: Contract, step: str = CALIBRATION) -> Iterator[Feed]:
        """Yield the samples for the float model *file*, which has the inputs of *contract*.

        Progress is told of each, as a part of the *step*.
        """

    def heads(self, session: Session, count: int | None = None) -> Iterator[tuple[int, Heads]]:
        """Yield the outputs of *session* for the first *count* images to judge on, or for all.

        Before them comes the number of the frame since its stream began; 0 where there are no streams.
        """


class Pictures:
    """Images, each of which is all that the model sees.

    Attributes:
        count: the number of images.
        unread: empty: an image that cannot be read is an error.
    """

    def __init__(self, images: Images, progress: Progress = silent) -> None:
        self._images, self._progress = images, progress
        self.count, self.unread = len(images.paths), tuple[str, ...]()
        self._judged: list[Pixels] = []

    def samples(self, file: TfliteFile, contract: Contract, step: str = CALIBRATION) -> Iterator[Feed]:
        """Yield each image, preprocessed as on the device, whatever the *file* of the model is."""
        del file
        return samples_of(self._images, contract, self._progress, step)()

    def heads(self, session: Session, count: int | None = None) -> Iterator[tuple[int, Heads]]:
        """Yield the outputs of *session* for the first *count* images, or for all; each is number 0."""
        paths = self._images.paths[:count]
        for path in paths[len(self._judged) :]:
            self._judged.append(read_image(path, upright=self._images.upright))
        for pixels in self._judged[:count]:
            session.invoke(session.preprocess(pixels), (pixels.shape[0], pixels.shape[1]))
            yield 0, session.heads()


def samples_of(images: Images, contract: Contract, progress: Progress, step: str = CALIBRATION) -> Samples:
    """Return a function that yields the model's inputs for each of *images*, preprocessed as on the device.

    *progress* is told of each, as a part of the *step*.
    """

    def fed(path: Path) -> tuple[NDArray[Any], ...]:
        return inputs_of(read_image(path, upright=images.upright), contract)

    def samples() -> Iterator[Feed]:
        with ThreadPoolExecutor(WORKERS) as pool:
            for number, values in enumerate(ahead(pool, fed, images.paths)):
                yield Feed(values, number)
                progress(step, number + 1, len(images.paths))

    return samples


def inputs_of(pixels: Pixels, contract: Contract) -> tuple[NDArray[Any], ...]:
    """Return a value for each input of a float model with *contract*: of the image *pixels*, with empty banks.

    A clip is filled with it, and states have their initial values.
    """
    values: list[NDArray[Any]] = [input_of(pixels, contract)]
    for one in contract.inputs[1:]:
        if one.kind == "window":
            values.append(np.array([contract.image.fit((pixels.shape[0], pixels.shape[1])).window], np.float32))
        else:
            initial = one.initial if one.kind == "state" else 0
            values += [np.full(tensor.shape, initial, tensor.dtype) for tensor in one.tensors]
    return tuple(values)


def bank_places(contract: Contract) -> tuple[int, ...]:
    """Return the places of the tensors of banks among the input tensors of a model with *contract*."""
    place = 0
    places: list[int] = []
    for one in contract.inputs:
        count = len(one.tensors)
        places += range(place, place + count) if one.kind == "bank" else ()
        place += count
    return tuple(places)


def material_of(given: Images | Footage, contract: Contract, *, progress: Progress = silent) -> Material:
    """Return what is *given* as a model with *contract* needs it.

    Raises:
        InputError: the model takes video and images are given, or the other way round, or it takes something else; or
            no video can be read.
        MissingToolError: PyAV is not installed, and the model takes video.
    """
    first, *others = contract.inputs
    taken = " and ".join(TITLES[kind] for kind in dict.fromkeys(one.kind for one in contract.inputs))
    kinds = {one.kind for one in others} - {"window"}
    is_frame = first.kind == "image" or (first.kind == "clip" and first.frames == 1 and kinds == {"state"})
    if len(kinds) > 1 or (kinds and not is_frame):
        raise InputError(
            f"the model takes {taken}, and only models of images with a bank or with states, or of clips, can be "
            "calibrated: use --scheme float16 or dynamic, which need no images"
        )
    if isinstance(given, Images):
        if takes_video(contract):
            raise InputError(f"the model takes {taken}: calibrate it with videos, --video or --videos")
        return Pictures(given, progress)
    if not takes_video(contract):
        raise InputError("the model takes single images: calibrate it with images")
    if first.kind == "clip" and not kinds:
        return ClipFootage(given, first, progress=progress)
    return StreamFootage(given, progress=progress)


TITLES = {
    "image": "images",
    "window": "their windows",
    "clip": "clips",
    "state": "states",
    "bank": "a bank of features",
}
"""What a model is fed, by the kind of its inputs."""
