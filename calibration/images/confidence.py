"""How sure a float model is of what it finds, under another idea of what its input is.

A network is surest with images as it was trained on. What its batch norms promise of the activations would say the
same, but they are folded into the convolutions: a folded bias is beta - gamma mean / sigma, of which neither beta nor
the mean can be had again. So the model is asked itself, with each idea, on the same images.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from detlite.convert.load import Model
from detlite.runtime.arrays import Floats, Pixels
from detlite.runtime.artifact import MODEL
from detlite.runtime.boxes.scores import CONVERTERS
from detlite.runtime.contract import ImageInput
from detlite.runtime.image.preprocess import preprocess
from detlite.runtime.runners.interpreter import open_interpreter

BEST = 100  # anchors of an image: the mean over so many is steadier than the best alone
LEAST = 1e-6  # score, whose logit is finite


class Confidence:
    """A float model with raw heads, open.

    Attributes:
        image: the input by the contract.
    """

    def __init__(self, model: Model) -> None:
        """Open *model*."""
        self._contract, self.image = model.contract, model.contract.image
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / MODEL
            path.write_bytes(model.data)
            self._opened = open_interpreter(path)
        output = next(one for one in model.contract.outputs if one.role == "class_scores")
        self._scores = int(self._opened.outputs[output.index]["index"])

    def of(self, pixels: Pixels, image: ImageInput) -> float:
        """Return the mean logit of the `BEST` best anchors in *pixels*, where the input is *image*."""
        self._opened.set_input(self._opened.inputs[0]["index"], preprocess(pixels, image))
        self._opened.invoke()
        scores: Floats = self._opened.output(self._scores)[0]
        if self._contract.score_converter_place == "host":
            scores = CONVERTERS[self._contract.score_converter](scores)
        best = np.sort(scores[:, self._contract.label_offset :].max(axis=1).astype(np.float64))[-BEST:]
        best = best.clip(LEAST, 1 - LEAST)
        return float(np.log(best / (1 - best)).mean())
