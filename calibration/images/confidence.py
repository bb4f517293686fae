"""How sure a float model is of what it finds, under another idea of what its input is.

A network is surest with images as it was trained on. What its batch norms promise of the activations would say the
same, but they are folded into the convolutions: a folded bias is beta - gamma mean / sigma, of which neither beta nor
the mean can be had again. So the model is asked itself, with each idea, on the same images.
"""

from __future__ import annotations

import numpy as np

from detlite.convert.model import Model, session_of
from detlite.runtime.arrays import Pixels
from detlite.runtime.boxes.scores import CONVERTERS
from detlite.runtime.image.preprocess import preprocess
from detlite.runtime.inputs import ImageInput
from detlite.runtime.tasks.detection import detection_of

BEST = 100  # anchors of an image: the mean over so many is steadier than the best alone
LEAST = 1e-6  # score, whose logit is finite


class Confidence:
    """A float model with raw heads, open.

    Attributes:
        image: the input by the contract.
    """

    def __init__(self, model: Model) -> None:
        """Open *model*."""
        self._task, self.image = detection_of(model.contract), model.contract.image
        self._session = session_of(model)

    def of(self, pixels: Pixels, image: ImageInput) -> float:
        """Return the mean logit of the `BEST` best anchors in *pixels*, where the input is *image*."""
        self._session.invoke(preprocess(pixels, image))
        scores = self._session.heads()["class_scores"]
        if self._task.score_converter_place == "host":
            scores = CONVERTERS[self._task.score_converter](scores)
        best = np.sort(scores[:, self._task.label_offset :].max(axis=1).astype(np.float64))[-BEST:]
        best = best.clip(LEAST, 1 - LEAST)
        return float(np.log(best / (1 - best)).mean())
