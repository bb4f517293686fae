"""Running models on a fixed list of images, and their agreement with the float model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from numpy.typing import NDArray

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
from detlite.runtime.inputs import ImageInput
from detlite.runtime.progress import Progress, silent
from detlite.runtime.session import Session
from detlite.runtime.stream import WORKERS, StreamResult, ahead, columns
from detlite.runtime.task import Heads

T = TypeVar("T")


class Bench:
    """Images, and the float model's detections in them.

    Attributes:
        images: those that models are run on.
        reference: the float model's predictions.
    """

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

    def _run_reference(self, reference: Model) -> tuple[Predictions, list[SureOutputs]]:
        session, contract = session_of(reference), reference.contract
        seen: list[StreamResult] = []
        sure: list[SureOutputs] = []
        with ThreadPoolExecutor(WORKERS) as pool:
            for pixels in ahead(pool, self._read, self.images.paths):
                size = (pixels.shape[0], pixels.shape[1])
                session.invoke(session.preprocess(pixels), size)
                heads = session.heads()
                sure.append(sure_outputs(contract, heads))
                seen.append(StreamResult(session.postprocess(heads, size), size, 0))
                self._progress("images", len(seen), len(self.images.paths))
        return self._task.predictions(**columns(seen)), sure

    def _read(self, path: Path) -> Pixels:
        return read_image(path, upright=self.images.upright)

    def judged(self, model: Model) -> tuple[Predictions, OutputError]:
        """Return *model*'s results in the images, and the error of its raw outputs."""
        predictions, errors = self._seen(model, lambda sure, heads: sure.errors(heads))
        return predictions, output_error(errors)

    def results(self, model: Model) -> tuple[Predictions, list[Heads]]:
        """Return *model*'s results in the images, and its raw outputs."""
        return self._seen(model, lambda _sure, heads: heads)

    def _seen(self, model: Model, take: Callable[[SureOutputs, Heads], T]) -> tuple[Predictions, list[T]]:
        """Return *model*'s results in the images, and what *take* makes of the raw outputs for each of them."""
        session = session_of(model)
        sizes = [(height, width) for height, width in self.reference.sizes.tolist()]
        taken = []
        with ThreadPoolExecutor(WORKERS) as pool:
            waiting = []
            for heads, sure, size in zip(self._heads(session), self._sure, sizes, strict=True):
                taken.append(take(sure, heads))
                waiting.append(pool.submit(session.postprocess, heads, size))
            seen = [StreamResult(one.result(), size, 0) for one, size in zip(waiting, sizes, strict=True)]
        return self._task.predictions(**columns(seen)), taken

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
        return self.judged(model)[0]

    def heads(self, model: Model) -> Iterator[Heads]:
        """Yield *model*'s raw outputs for each image."""
        return self._heads(session_of(model))

    def error(self, model: Model, *, count: int | None = None) -> OutputError:
        """Return the error of *model*'s raw outputs in the first *count* images, without post-processing them."""
        pairs = zip(self._sure, self.heads(model), strict=count is None)
        return output_error([sure.errors(found) for sure, found in islice(pairs, count)])

    def _heads(self, session: Session) -> Iterator[Heads]:
        """Yield *session*'s heads for each image; its input tensors are kept for other models with the same input."""
        image = session.contract.image
        if self._input != image:
            with ThreadPoolExecutor(WORKERS) as pool:
                read = pool.map(lambda path: preprocess(self._read(path), image), self.images.paths)
                self._input, self._tensors = image, list(read)
        for tensor, (height, width) in zip(self._tensors, self.reference.sizes.tolist(), strict=True):
            session.invoke(tensor, (height, width))
            yield session.heads()

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
