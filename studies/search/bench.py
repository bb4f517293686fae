"""Running models on a fixed list of images, and their agreement with the float model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TypeVar

from numpy.typing import NDArray

from detlite.accuracy.bootstrap import SEED, draw_images
from detlite.accuracy.classes import class_map
from detlite.accuracy.coco import coco_matches, coco_metrics
from detlite.accuracy.detect import detected_of
from detlite.accuracy.images import Images
from detlite.accuracy.labels.annotations import Annotations
from detlite.accuracy.output_error import SHORT_NAMES, OutputError, SureOutputs, output_error, sure_outputs
from detlite.accuracy.precision import mean_average_precision
from detlite.accuracy.predictions import Concordance, Predictions, ScoredTask, scored_task
from detlite.convert.model import Model, session_of
from detlite.runtime.arrays import Doubles, Pixels
from detlite.runtime.errors import unknown_name
from detlite.runtime.image.preprocess import preprocess
from detlite.runtime.image.read import read_image
from detlite.runtime.inputs import ImageInput, Size
from detlite.runtime.progress import Progress, silent
from detlite.runtime.session import Session
from detlite.runtime.stream import WORKERS, StreamResult, ahead, columns
from detlite.runtime.task import Heads

S = TypeVar("S")
T = TypeVar("T")


class Bench:
    """Images, and the float model's detections in them.

    Attributes:
        images: those that models are run on.
        reference: the float model's predictions.
        scenes: for each image, the number of the scene that it shows; None if each shows one of its own.
        unread: why each of the videos that were left out cannot be read.
    """

    scenes: Sequence[int] | None = None
    unread: tuple[str, ...] = ()

    def __init__(
        self,
        reference: Model,
        images: Images,
        *,
        annotations: Annotations | None = None,
        progress: Progress = silent,
    ) -> None:
        """Run *reference*, the float model, on *images*; *annotations* are in their order."""
        self.images, self._annotations, self._progress = images, annotations, progress
        self._labels = reference.contract.labels
        self._input: ImageInput | None = None
        self._tensors: list[NDArray[Any]] = []
        self._task: ScoredTask[Any] = scored_task(reference.contract.task.kind)
        self.reference, self._sure = self._run_reference(reference)
        self._reference_map = None if annotations is None else self.map(self.reference)

    @property
    def agreement_kind(self) -> str:
        """What fidelity is for the task of the model: `map`, `top1`, `miou`."""
        return self._task.agreement

    @property
    def count(self) -> int:
        """The number of images."""
        return len(self._sure)

    def draws(self, count: int) -> Doubles:
        """Return how often each image is drawn, float64 (count, images): those of one scene together."""
        return draw_images(self.count, count, SEED, self.scenes)

    def _run_reference(self, reference: Model) -> tuple[Predictions, list[SureOutputs]]:
        def run(session: Session, path: Path) -> tuple[StreamResult, SureOutputs]:
            pixels = self._read(path)
            size = (pixels.shape[0], pixels.shape[1])
            session.invoke(session.preprocess(pixels), size)
            heads = session.heads()
            return StreamResult(session.postprocess(heads, size), size, 0), sure_outputs(reference.contract, heads)

        seen: list[StreamResult] = []
        sure: list[SureOutputs] = []
        for result, one in _in_sessions(reference, run, self.images.paths):
            seen.append(result)
            sure.append(one)
            self._progress("images", len(seen), len(self.images.paths))
        return self._task.predictions(**columns(seen)), sure

    def _read(self, path: Path) -> Pixels:
        return read_image(path, upright=self.images.upright)

    def judged(self, model: Model) -> tuple[Predictions, OutputError]:
        """Return *model*'s results in the images, and the error of its raw outputs."""
        predictions, errors = self._seen(model, lambda sure, heads: sure.errors(heads, model.contract))
        return predictions, output_error(errors)

    def results(self, model: Model) -> tuple[Predictions, list[Heads]]:
        """Return *model*'s results in the images, and its raw outputs."""
        return self._seen(model, lambda _sure, heads: heads)

    def _seen(self, model: Model, take: Callable[[SureOutputs, Heads], T]) -> tuple[Predictions, list[T]]:
        """Return *model*'s results in the images, and what *take* makes of the raw outputs for each of them."""

        def see(session: Session, number: int, heads: Heads) -> tuple[StreamResult, T]:
            size = self._size(number)
            return StreamResult(session.postprocess(heads, size), size, 0), take(self._sure[number], heads)

        seen, taken = zip(*self._run(model, see), strict=True)
        return self._task.predictions(**columns(list(seen))), list(taken)

    def role_called(self, head: str) -> str:
        """Return the role of the outputs that records of errors call *head*, such as `logits`.

        Raises:
            UnknownNameError: the model has no such outputs.
        """
        roles = {SHORT_NAMES.get(role, role): role for role in self._sure[0].values}
        if head not in roles:
            raise unknown_name("output with an error", head, roles)
        return roles[head]

    def predicted(self, model: Model) -> Predictions:
        """Return *model*'s results in the images."""
        return self._seen(model, lambda _sure, _heads: None)[0]

    def heads(self, model: Model) -> Iterator[Heads]:
        """Yield *model*'s raw outputs for each image."""
        return self._run(model, lambda _session, _number, heads: heads)

    def error(self, model: Model, *, count: int | None = None) -> OutputError:
        """Return the error of *model*'s raw outputs in the first *count* images, without post-processing them."""

        def see(_session: Session, number: int, heads: Heads) -> dict[str, tuple[float, float, int]]:
            return self._sure[number].errors(heads, model.contract)

        return output_error(list(self._run(model, see, count)))

    def _run(self, model: Model, see: Callable[[Session, int, Heads], T], count: int | None = None) -> Iterator[T]:
        """Yield what *see* makes of *model*'s raw outputs for each image, or for the first *count*, by its number.

        Input tensors are kept for other models with the same input.
        """
        image = model.contract.image
        if self._input != image:
            with ThreadPoolExecutor(WORKERS) as pool:
                read = pool.map(lambda path: preprocess(self._read(path), image), self.images.paths)
                self._input, self._tensors = image, list(read)

        def run(session: Session, number: int) -> T:
            session.invoke(self._tensors[number], self._size(number))
            return see(session, number, session.heads())

        return _in_sessions(model, run, range(len(self._tensors))[:count])

    def _size(self, number: int) -> Size:
        height, width = self.reference.sizes[number].tolist()
        return height, width

    def fidelity(self, model: Model) -> Concordance:
        """Return the fidelity of *model* to the float model, by the agreement of their task."""
        return self.agreement(self.predicted(model))

    def agreement(self, predictions: Predictions) -> Concordance:
        """Return the fidelity of *predictions* to the float model's."""
        return self._task.agree(predictions, self.reference)

    def map(self, predictions: Predictions) -> float:
        """Return COCO's mAP of a detector's *predictions*, in percent; only with annotations."""
        assert self._annotations is not None
        classes = class_map(self._labels, self._annotations.categories)
        value = coco_metrics(detected_of(predictions), self._annotations, classes)["map"]
        return float(value or 0.0)

    def map_drop(self, predictions: Predictions) -> float:
        """Return by how many points the mAP of *predictions* is below the float model's; only with annotations."""
        assert self._reference_map is not None
        return self._reference_map - self.map(predictions)

    def map_of_draws(self, predictions: Predictions, weights: Doubles) -> Doubles:
        """Return the mAP of a detector's *predictions* in percent, float64 (draws,), for each row of *weights*."""
        assert self._annotations is not None
        classes = class_map(self._labels, self._annotations.categories)
        return mean_average_precision(coco_matches(detected_of(predictions), self._annotations, classes), weights)


def _in_sessions(model: Model, run: Callable[[Session, S], T], given: Iterable[S]) -> Iterator[T]:
    """Yield what *run* returns of each of *given*, in their order, in threads that each have a session of *model*."""
    free: SimpleQueue[Session] = SimpleQueue()
    for _ in range(WORKERS):
        free.put(session_of(model))

    def in_turn(one: S) -> T:
        session = free.get()
        try:
            return run(session, one)
        finally:
            free.put(session)

    with ThreadPoolExecutor(WORKERS) as pool:
        yield from ahead(pool, in_turn, given)
