"""Another colour order or scale than the model was trained with, in the images or in the contract."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from detlite.calibration.images.check import LintCheck, LintedImages, LintFinding
from detlite.calibration.images.confidence import Confidence
from detlite.runtime.counts import counted
from detlite.runtime.image.read import read_image
from detlite.runtime.inputs import ImageInput

SCALES = {
    "pixels of 0..1": (0.0, 255.0),
    "pixels of -1..1": (127.5, 127.5),
    "pixels of 0..255": (0.0, 1.0),
    "pixels of -128..127": (128.0, 1.0),
}
"""Mean and std that models are trained with, the same for each colour."""

IMAGENET = {
    "pixels less ImageNet's mean": ((123.68, 116.779, 103.939), (1.0,) * 3),
    "pixels by ImageNet's mean and standard deviation": ((123.675, 116.28, 103.53), (58.395, 57.12, 57.375)),
}
"""Of RGB: of the Object Detection API's ResNets, and of torchvision."""

MOST = 64
"""Images: with 64 of COCO's, SSDLite MobileNet V2 tells each of these by 3.3 standard errors or more, an SSD with
FPNLite by 4.0; with 32 not all of them by 3. Red and blue swapped: 3.7 and 4.1."""

LOOK, HOPELESS = 16, 1.0  # images; standard errors
FEWEST = 8
SURE = 3.0  # standard errors
TINY = 1e-9  # of a logit: less is no difference


def find(inspected: LintedImages) -> list[LintFinding]:
    """Return a finding where the float model is clearly surer of what it finds with another order or scale."""
    if inspected.confidence is None or len(inspected.paths) < FEWEST:
        return []
    contract = inspected.confidence.image
    gains = _gains(inspected, inspected.confidence)
    name, gain = max(gains.items(), key=lambda one: _errors(one[1]))
    if _errors(gain) < SURE:
        return []
    return [
        LintFinding(
            f"the float model is surer of what it finds with {name}: logits higher by {np.mean(gain):.2f} on average, "
            f"{_errors(gain):.1f} standard errors, over {counted(len(gain), 'image')}",
            f"look at the images, and at the contract ({contract.colour}, mean {_say(contract.mean)}, std "
            f"{_say(contract.std)}): one of them is not what the model was trained with",
        )
    ]


def _gains(inspected: LintedImages, confidence: Confidence) -> Mapping[str, Sequence[float]]:
    """Return, for each other idea of the input, by how much the model is surer of each image.

    An idea with which it is less sure is given up after every `LOOK` images: it will not be the best.
    """
    contract = confidence.image
    ideas = {name: other for name, other in _ideas(contract).items() if other != contract}
    gains: dict[str, list[float]] = {name: [] for name in ideas}
    for number, path in enumerate(inspected.paths[:MOST], 1):
        pixels = read_image(path, upright=inspected.upright)
        given = confidence.of(pixels, contract)
        for name, other in ideas.items():
            gains[name].append(confidence.of(pixels, other) - given)
        if number % LOOK == 0:
            ideas = {name: other for name, other in ideas.items() if _errors(gains[name]) > -HOPELESS}
    return gains


def _ideas(contract: ImageInput) -> Mapping[str, ImageInput]:
    """Return what the input may be, other than *contract* says."""
    count, step = contract.channels, -1 if contract.colour == "BGR" else 1
    found = {name: replace(contract, mean=(mean,) * count, std=(std,) * count) for name, (mean, std) in SCALES.items()}
    if contract.colour != "GRAY":
        found |= {name: replace(contract, mean=mean[::step], std=std[::step]) for name, (mean, std) in IMAGENET.items()}
        found["red and blue swapped"] = replace(contract, colour="BGR" if contract.colour == "RGB" else "RGB")
    return found


def _errors(gain: Sequence[float]) -> float:
    """Return the mean of *gain* in standard errors."""
    return float(np.mean(gain) / max(np.std(gain, ddof=1) / np.sqrt(len(gain)), TINY))


def _say(numbers: Sequence[float]) -> str:
    return " ".join(f"{number:g}" for number in numbers)


PLUGIN = LintCheck(title="a wrong colour order or scale", find=find)
