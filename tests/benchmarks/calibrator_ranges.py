"""By hand: the ranges of TensorFlow's Calibrator against the extremes that detlite observes, on float .tflite files.

python tests/benchmarks/calibrator_ranges.py IMAGES FLOAT.tflite...

Prints, for each file, how many activations have another range, and the worst of them as a factor on the range's width.
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image

from detlite.accuracy.images import images_in
from detlite.calibration.models import separate
from detlite.calibration.network import Network
from detlite.calibration.ranges.observer import observe
from detlite.convert.tflite.flatbuffer import load
from detlite.convert.tflite.open_file import TfliteFile
from detlite.convert.tflite.tensors import main_subgraph

CALIBRATED = 8  # images
SAME = 1e-4  # of the range's width: kernels may add in another order


def main(images: str, *files: str) -> None:
    """Print a line for each of *files*, and its worst tensors."""
    chosen = images_in(Path(images)).choose(CALIBRATED, 0)
    for path in map(Path, files):
        file = TfliteFile(path.read_bytes(), path.name)
        network = Network(file)
        samples = [pixels(image, network.shape(network.image)) for image in map(opened, chosen.paths)]
        own, theirs = extremes(network, samples), recorded(file.data, samples)
        factors = {index: other(own[index], theirs[index]) for index in own if index in theirs}
        wrong = sorted((index for index, factor in factors.items() if factor > SAME), key=lambda index: -factors[index])
        print(f"{path.name}: {len(wrong)} of {len(factors)} activations differ; {len(own) - len(factors)} not recorded")
        for index in wrong[:5]:
            print(f"  {network.names[index]:.60}: {theirs[index]}, observed {own[index]}")


def opened(path):
    """Return the RGB pixels of the image at *path*."""
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def pixels(image, shape):
    """Return *image* cut to *shape*, in -1..1."""
    rows, columns = (np.arange(side) * have // side for side, have in zip(shape[1:3], image.shape, strict=False))
    return (image[np.ix_(rows, columns)][None] / 127.5 - 1).astype(np.float32)


def extremes(network, samples):
    """Return the lowest and the highest value of each activation over *samples*, as detlite observes them."""
    seen = observe(network, lambda: separate(samples))
    return {index: (float(seen.lows[index].min()), float(seen.highs[index].max())) for index in seen.lows}


def recorded(data, samples):
    """Return the range that TensorFlow's Calibrator records for each tensor of the model *data*."""
    from tensorflow.lite.python.optimize.calibrator import Calibrator

    model = load(Calibrator(data).calibrate(lambda: ([sample] for sample in samples)), "the calibrated model")
    found = ((index, tensor.quantization) for index, tensor in enumerate(main_subgraph(model).tensors))
    return {index: (float(q.min[0]), float(q.max[0])) for index, q in found if q is not None and q.min is not None}


def other(own, theirs):
    """Return by how much a range differs, as a part of the width of *own*."""
    return max(abs(a - b) for a, b in zip(own, theirs, strict=True)) / max(own[1] - own[0], 1e-6)


if __name__ == "__main__":
    main(*sys.argv[1:])
