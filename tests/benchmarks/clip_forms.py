"""By hand: the time of SlowOnly or R3D-50 with 3-D convolutions, and of detlite's 2-D form in float and in int8.

python tests/benchmarks/clip_forms.py slowonly|r3d FLOAT_ARTIFACT INT8_ARTIFACT

The 3-D form has random weights: a time does not depend on them. One thread; the three run in turn.
"""

import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from detlite.convert.artifact import open_artifact
from detlite.convert.tensorflow import load_tensorflow
from detlite.runtime.runners.interpreter import open_interpreter

GROUPS = ((64, 3, 1), (128, 4, 1), (256, 6, 3), (512, 3, 3))  # filters, blocks, frames of a kernel
STEMS = {"slowonly": (1, 1), "r3d": (5, 2)}  # frames of the kernel, stride in time
RUNS = 12


def main(kind: str, float_artifact: str, int8_artifact: str) -> None:
    """Print the least time of each form, and its ratio to the first."""
    artifacts = [open_artifact(Path(one)) for one in (float_artifact, int8_artifact)]
    shape = artifacts[0].contract.inputs[0].tensors[0].shape
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "three_d.tflite"
        path.write_bytes(three_d(kind, shape))
        opened = [open_interpreter(one) for one in (path, *(artifact.model for artifact in artifacts))]
    best = [float("inf")] * len(opened)
    for _run in range(RUNS):
        for place, one in enumerate(opened):
            detail = one.inputs[0]
            one.set_input(detail["index"], np.zeros(detail["shape"], detail["dtype"]))
            begin = time.perf_counter()
            one.invoke()
            best[place] = min(best[place], time.perf_counter() - begin)
    for name, seconds in zip(("CONV_3D", "2-D float", "2-D int8"), best, strict=True):
        print(f"{kind} {shape}, {name}: {1e3 * seconds:.0f} ms, {seconds / best[0]:.2f}")


def three_d(kind, shape):
    """Return the .tflite file of the network with 3-D convolutions, for clips of *shape*."""
    tf = load_tensorflow()
    layers, (frames, stride) = tf.keras.layers, STEMS[kind]
    x = image = tf.keras.Input(shape[1:], batch_size=1)
    x = layers.Conv3D(64, (frames, 7, 7), (stride, 2, 2), "same", activation="relu")(x)
    x = layers.Lambda(lambda y: tf.nn.max_pool2d(y[0], 3, 2, "SAME")[None])(x)  # TFLite has no 3-D pool
    for filters, blocks, over_time in GROUPS:
        for block in range(blocks):
            step = 2 if block == 0 and filters > 64 else 1
            y = layers.Conv3D(filters, (over_time, 1, 1), 1, "same", activation="relu")(x)
            y = layers.Conv3D(filters, (1, 3, 3), (1, step, step), "same", activation="relu")(y)
            y = layers.Conv3D(4 * filters, 1, 1, "same")(y)
            x = layers.Conv3D(4 * filters, 1, (1, step, step), "same")(x) if block == 0 else x
            x = layers.ReLU()(layers.add([x, y]))
    scores = layers.Dense(400)(layers.GlobalAveragePooling3D()(x))
    return tf.lite.TFLiteConverter.from_keras_model(tf.keras.Model(image, scores)).convert()


if __name__ == "__main__":
    main(*sys.argv[1:])
