"""Running models on a fixed list of images, and their agreement with the float model."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from numpy.typing import NDArray

from detlite.accuracy.classes import class_map
from detlite.accuracy.coco import coco_matches, coco_metrics
from detlite.accuracy.detect import detected_of
from detlite.accuracy.images import Images
from detlite.accuracy.labels.annotations import Annotations
from detlite.accuracy.precision import mean_average_precision
from detlite.accuracy.predictions import Concordance, Predictions, ScoredTask, scored_task
from detlite.convert.model import Model, session_of
from detlite.runtime.arrays import Doubles
from detlite.runtime.image.preprocess import preprocess
from detlite.runtime.image.read import read_image
from detlite.runtime.inputs import ImageInput
from detlite.runtime.progress import Progress, silent
from detlite.runtime.session import Session
from detlite.runtime.stream import WORKERS, StreamResult, columns, detect_stream


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
        self.reference = self.predicted(reference)
        self._reference_map = None if annotations is None else self.map(self.reference)

    def predicted(self, model: Model) -> Predictions:
        """Return *model*'s detections in the images."""
        session = session_of(model)
        if model.contract.image.dtype == "float32":  # takes four times the memory, and is used once
            stream = detect_stream(
                model.contract, lambda: session, self.images.paths, upright=self.images.upright, progress=self._progress
            )
            seen = list(stream)
        else:
            seen = self._seen(session)
        made: Predictions = self._task.predictions(**columns(seen))
        return made

    def _seen(self, session: Session) -> list[StreamResult]:
        """Return *session*'s detections, and keep its input tensors for other models with the same input."""
        image = session.contract.image
        with ThreadPoolExecutor(WORKERS) as pool:
            if self._input != image:
                upright = self.images.upright
                read = pool.map(lambda path: preprocess(read_image(path, upright=upright), image), self.images.paths)
                self._input, self._tensors = image, list(read)
            waiting, sizes = [], [(height, width) for height, width in self.reference.sizes.tolist()]
            for tensor, size in zip(self._tensors, sizes, strict=True):
                session.invoke(tensor)
                waiting.append(pool.submit(session.postprocess, session.heads(), size))
            return [StreamResult(one.result(), size, 0) for one, size in zip(waiting, sizes, strict=True)]

    def fidelity(self, model: Model) -> Concordance:
        """Return the fidelity of *model* to the float model, by the agreement of their task."""
        return self._task.agree(self.predicted(model), self.reference)

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
