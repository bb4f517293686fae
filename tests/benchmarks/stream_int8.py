"""By hand: a stream in int8 against its float model, frame by frame, beside TensorFlow's quantizer on the same frames.

python tests/benchmarks/stream_int8.py FLOAT_ARTIFACT CALIBRATION_FOLDER TEST_FOLDER [COUNT]

Decibels are the variance of the float model's logits over the classes to the squared error, a mean over the frames. The
agreement of the best class counts where the float model's best is ahead of its second by more than half a logit.
"""

import sys
import time
from pathlib import Path

import numpy as np

from detlite.accuracy.datasets.videos import files
from detlite.accuracy.video import open_video
from detlite.calibration.quantize import float_model, quantize
from detlite.calibration.recipe import Recipe
from detlite.calibration.video.footage import Footage
from detlite.calibration.weights.methods.converter import with_extremes
from detlite.convert.artifact import open_artifact
from detlite.convert.model import model_of, session_of, tflite_model
from detlite.convert.tensorflow import load_tensorflow
from detlite.convert.tflite.heads import canonicalize, input_names, refreshed
from detlite.convert.tflite.open_file import TfliteFile

FRAMES, MARGIN = 300, 0.5
METHODS = ("bias_correction", "second_order")


def main(artifact: str, calibration: str, test: str, count: str = "72") -> None:
    """Print a line for each model and video."""
    source = model_of(open_artifact(Path(artifact)))
    footage = Footage(tuple(files((Path(calibration),))), int(count))
    videos = files((Path(test),))
    wanted = {path: logits(source, path) for path in videos}
    for name in (*METHODS, "TensorFlow"):
        begin = time.process_time()
        made = by_tensorflow(source, footage) if name == "TensorFlow" else quantize(source, footage, Recipe(name)).model
        print(f"{name}: {len(made.data) / 1e6:.1f} MB, made in {time.process_time() - begin:.0f} s of processor time")
        for path in videos:
            say(path, *wanted[path], *logits(made, path))


def by_tensorflow(source, footage):
    """Return what TensorFlow's quantizer makes of the float model, with the extremes that detlite observes."""
    tf = load_tensorflow()
    from tensorflow.lite.python.convert import mlir_quantize

    given = float_model(source, footage, Recipe())
    data = mlir_quantize(
        with_extremes(given).data, fully_quantize=True, input_data_type=tf.int8, output_data_type=tf.int8
    )
    file = TfliteFile(data)
    canonicalize(file, outputs=source.contract.output_names, inputs=input_names(source.contract))
    return tflite_model(file, refreshed(source.contract, file), source.history)


def logits(model, path):
    """Return the logits of *model* for each frame of the video *path*, and the least milliseconds of a frame."""
    session, found, times = session_of(model), [], []
    with open_video(path) as video:
        for number, frame in enumerate(video.frames):
            if number == FRAMES:
                break
            tensor = session.preprocess(frame.pixels())
            begin = time.perf_counter()
            session.invoke(tensor)
            times.append(time.perf_counter() - begin)
            found.append(session.heads()["class_scores"].astype(np.float64))
            session.finish()
    return np.stack(found), 1e3 * float(np.median(times))


def say(path, want, float_ms, got, ms) -> None:
    """Print the figures of one video."""
    signal, noise = want.var(axis=1), np.square(got - want).mean(axis=1)
    db = 10 * np.log10(signal / noise)
    best = np.sort(want, axis=1)
    sure = best[:, -1] - best[:, -2] > MARGIN
    agree = want.argmax(axis=1) == got.argmax(axis=1)
    marks = ", ".join(
        f"{db[at].mean():.1f}" for at in (slice(1), slice(15, 26), slice(90, 110), slice(-10, None)) if len(db[at])
    )
    print(
        f"  {path.name}: {db.mean():.1f} dB ({marks} at frames 1, 20, 100, {len(db)}), agreement {agree.mean():.3f}, "
        f"{agree[sure].mean() if sure.any() else float('nan'):.3f} where sure ({sure.mean():.2f}), "
        f"{ms:.2f} ms, {ms / float_ms:.2f} of float",
        flush=True,
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
