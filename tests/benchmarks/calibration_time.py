"""By hand: what observing a float model costs for each image, against its bare inference, on one thread.

python tests/benchmarks/calibration_time.py ARTIFACT IMAGES [COUNT]

IMAGES is a folder or a list; a list may name an image more than once. Times an image are of the processor, so that what
else runs on the machine hardly counts; the last line has seconds on the clock, too.
"""

import resource
import sys
import time
from pathlib import Path

from detlite.accuracy.images import Images, images_in
from detlite.calibration.material import samples_of
from detlite.calibration.models import separate
from detlite.calibration.network import Network
from detlite.calibration.quantize import quantize
from detlite.calibration.ranges.observer import observe
from detlite.calibration.recipe import Recipe
from detlite.convert.model import Model
from detlite.convert.tflite.open_file import TfliteFile
from detlite.runtime.artifact import read_artifact
from detlite.runtime.progress import silent
from detlite.runtime.runners.interpreter import open_interpreter


def main(folder: str, images: str, count: str = "16") -> None:
    """Print ms for each image, bare and observed, and the time from the images to the int8 model."""
    artifact = read_artifact(Path(folder))
    chosen = images_in(Path(images)).choose(int(count), 0)
    few = samples_of(Images(chosen.paths[:16], ""), artifact.contract, silent)
    samples = [one.inputs[0] for one in few()]
    opened, network = open_interpreter(artifact.model), Network(TfliteFile(artifact.model.read_bytes()))
    bare, observed = [], []
    for _ in range(5):
        begin = time.process_time()
        for sample in samples:
            opened.set_input(opened.inputs[0]["index"], sample)
            opened.invoke()
        bare.append((time.process_time() - begin) / len(samples))
        once, thrice = (_seconds(network, samples * times) for times in (1, 3))
        observed.append((thrice - once) / (2 * len(samples)))  # what one image more costs
    print(f"bare {1e3 * min(bare):.2f} ms, observed {1e3 * min(observed):.2f} ms: {min(observed) / min(bare):.2f}")
    begin, work = time.perf_counter(), time.process_time()
    quantize(Model(artifact.model.read_bytes(), artifact.format, artifact.contract, artifact.history), chosen, Recipe())
    clock, work = time.perf_counter() - begin, time.process_time() - work
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    assert "tensorflow" not in sys.modules
    print(
        f"{len(chosen.paths)} images to an int8 model, without TensorFlow: {clock:.2f} s on the clock, {work:.2f} s of "
        f"the processor, peak {peak_mb:.0f} MB"
    )


def _seconds(network, samples) -> float:
    begin = time.process_time()
    observe(network, lambda: separate(samples))
    return time.process_time() - begin


if __name__ == "__main__":
    main(*sys.argv[1:])
