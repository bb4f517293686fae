"""A float model's confidence in its results, under different assumptions about its input.

A network is most confident with images like those it was trained on. Its batch norms' statistics would say the
same, but they are folded into the convolutions: a folded bias is beta - gamma mean / sigma, of which neither beta nor
the mean can be recovered. So the model itself is run under each assumption, on the same images.
"""

from __future__ import annotations

import numpy as np

from detlite.convert.model import Model, session_of
from detlite.runtime.arrays import Pixels
from detlite.runtime.boxes.scores import SCORES
from detlite.runtime.image.preprocess import preprocess
from detlite.runtime.inputs import ImageInput

BEST = 100  # anchors or pixels of an image: the mean over so many is steadier than the best alone
LEAST = 1e-6  # minimum score, so that its logit is finite


class Confidence:
    """A float model with raw heads that score classes, open.

    Attributes:
        image: the contract's input.
    """

    def __init__(self, model: Model) -> None:
        """Open *model*."""
        self._contract, self.image = model.contract, model.contract.image
        self._session = session_of(model)

    def of(self, pixels: Pixels, image: ImageInput) -> float:
        """Return the mean logit of the `BEST` best places in *pixels*, where the input is *image*.

        A place is an anchor, a pixel, or the whole image of a classifier.
        """
        self._session.invoke(preprocess(pixels, image))
        scores = self._contract.task.scored(self._session.heads())[SCORES]
        known = scores.reshape(-1, scores.shape[-1])[:, -len(self._contract.labels) :]  # without the background
        best = np.sort(known.max(axis=1).astype(np.float64))[-BEST:]
        best = best.clip(LEAST, 1 - LEAST)
        return float(np.log(best / (1 - best)).mean())
