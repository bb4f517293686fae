"""By hand: the constants of the Edge TPU's latency model, fitted to published latencies, with the leave-one-out error.

python tests/benchmarks/edgetpu_latency.py FOLDER

FOLDER keeps the detectors, which are built there with random weights where they are missing; TensorFlow is needed.
Latencies are Coral's own, on a desktop with USB 3 (https://coral.ai/docs/edgetpu/benchmarks and /models), of models
that map fully but for the post-processing op.
"""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from detlite.convert.targets.edgetpu.cycles import total_cycles
from detlite.convert.targets.edgetpu.graph import GraphOperator, GraphTensor, read_graph
from detlite.convert.targets.edgetpu.latency import INSTRUCTION_BYTES_AN_OPERATOR
from detlite.convert.targets.edgetpu.parameters import parameters_of

Classifiers = dict[str, tuple[str, dict[str, object], float]]

CLASSIFIERS: Classifiers = {  # Keras' name, its settings, and the published milliseconds
    "MobileNet 0.25 128": ("MobileNet", {"alpha": 0.25, "input_shape": (128, 128, 3)}, 0.9),
    "MobileNet": ("MobileNet", {}, 2.4),
    "MobileNetV2": ("MobileNetV2", {}, 2.6),
    "InceptionV3": ("InceptionV3", {}, 42.8),
    "ResNet50": ("ResNet50", {}, 49.0),
    "ResNet152": ("ResNet152", {}, 128.0),
    "VGG16": ("VGG16", {}, 296.0),
    "VGG19": ("VGG19", {}, 308.0),
}
OUTSIDE: Classifiers = {  # its batch norms become operators without weights, which have no cycles
    "DenseNet121": ("DenseNet121", {}, 20.0),
}
DETECTORS = {  # detlite's name, and the published milliseconds
    "ssd_mobilenet_v1": 6.5,
    "ssdlite_mobiledet_edgetpu": 9.1,
}
COMPILED = {  # cycles; bytes in, out and of instructions; bytes streamed; post-processing: as compiled files state them
    "SSD MobileNet V2 face 320": (1_224_160, 307_200 + 16_272 + 206_736, 237_376, True, 5.2),
    "PoseNet 353x481": (1_428_960, 509_384 + 85_568 + 120_176, 0, False, 5.8),
    "PoseNet 721x1281": (8_432_400, 3_101_320 + 447_120 + 961_056, 0, False, 32.4),
}
KINDS = {"Conv2D": "CONV_2D", "DepthwiseConv2D": "DEPTHWISE_CONV_2D", "Dense": "FULLY_CONNECTED"}
FUSED = ("BatchNormalization", "ReLU", "Activation", "Dropout", "InputLayer", "ZeroPadding2D", "Rescaling")
UNITS = ("", "x 500,000 cycles", "x MB transferred", "x MB streamed", "x post-processing op")


@dataclass(frozen=True)
class Published:
    """One published latency, and the factors of its model, one for each of `UNITS`."""

    name: str
    factors: tuple[float, ...]
    latency_ms: float


def main(folder: str) -> None:
    """Print the constants, and each model's error in the fit and when it is left out of it."""
    found = published(Path(folder))
    whole = fitted(found)
    print("ms = " + " + ".join(f"{value:.4g} {unit}" for value, unit in zip(whole, UNITS, strict=True)))
    outside = []
    for item in found:
        others = fitted([other for other in found if other is not item])
        inside, left_out = (100 * (item.factors @ of / item.latency_ms - 1) for of in (whole, others))
        outside.append(abs(left_out))
        print(f"{item.name:28s} {item.latency_ms:6.1f} ms  fit {inside:+6.1f} %  left out {left_out:+6.1f} %")
    for item in classifiers(OUTSIDE):
        error = 100 * (item.factors @ whole / item.latency_ms - 1)
        print(f"{item.name:28s} {item.latency_ms:6.1f} ms  not in the fit {error:+.1f} %")
    print(f"left out: mean {np.mean(outside):.1f} %, median {np.median(outside):.1f} %, most {max(outside):.1f} %")


def fitted(items):
    """Return the constants, none below 0, that make the squares of the relative errors least."""
    rows = np.array([item.factors / item.latency_ms for item in items])
    constants, used = np.zeros(rows.shape[1]), np.ones(rows.shape[1], bool)
    while True:
        found = np.linalg.lstsq(rows[:, used], np.ones(len(rows)), rcond=None)[0]
        if (found >= 0).all():
            constants[used] = found
            return constants
        used[np.flatnonzero(used)[np.argmin(found)]] = False


def published(folder):
    """Return every published latency that counts in the fit, with the factors of its model."""
    found = classifiers(CLASSIFIERS)
    for name, ms in DETECTORS.items():
        graph = read_graph(detector(folder, name).read_bytes(), name)
        found.append(Published(name, factors(graph.operators, (*graph.inputs, *graph.outputs), True), ms))
    for name, (cycles, moved, streamed, has_op, ms) in COMPILED.items():
        found.append(Published(name, np.array((1, cycles / 5e5, moved / 1e6, streamed / 1e6, has_op), float), ms))
    return found


def classifiers(table):
    """Return the published latencies in *table*, of networks of Keras."""
    return [
        Published(name, factors(*classifier(kind, settings), False), ms) for name, (kind, settings, ms) in table.items()
    ]


def factors(operators, edges, has_op):
    """Return the factors of a model, as if all of it were in 8 bits and on the Edge TPU."""
    moved = sum(int(np.prod(tensor.shape)) for tensor in edges) + INSTRUCTION_BYTES_AN_OPERATOR * len(operators)
    streamed = parameters_of(operators).streamed_bytes_likely
    return np.array((1, total_cycles(operators) / 5e5, moved / 1e6, streamed / 1e6, has_op), float)


def classifier(kind, settings):
    """Return the operators of a network of Keras, and its input and output."""
    import tensorflow as tf

    network = getattr(tf.keras.applications, kind)(weights=None, **settings)
    operators = [operator(layer) for layer in network.layers if type(layer).__name__ not in FUSED]
    return operators, [tensor(network.input_shape), tensor(network.output_shape)]


def operator(layer):
    """Return the operator that a layer of Keras becomes, with what is fused into it."""
    kind = KINDS.get(type(layer).__name__, "RESHAPE")
    read = layer.input[0] if isinstance(layer.input, list) else layer.input
    inputs = [tensor(read.shape)]
    if kind != "RESHAPE":
        shape = tuple(layer.kernel.shape)
        order = {"CONV_2D": (3, 0, 1, 2), "DEPTHWISE_CONV_2D": (3, 0, 1, 2), "FULLY_CONNECTED": (1, 0)}[kind]
        if kind == "DEPTHWISE_CONV_2D":
            shape, order = (1, *shape[:2], shape[2] * shape[3]), (0, 1, 2, 3)
        inputs.append(tensor([shape[axis] for axis in order], constant=True))
    return GraphOperator(0, kind, 0, 1, tuple(inputs), (tensor(layer.output.shape),), None)


def tensor(shape, *, constant=False):
    """Return an int8 tensor of a batch of 1."""
    sides = tuple(1 if side is None else int(side) for side in shape)
    return GraphTensor(0, "", "int8", sides, sides, constant, False, (), (), 0, None)


def detector(folder, name):
    """Return the file of one of `DETECTORS`, built where it is missing."""
    made = folder / name
    if not made.is_dir():
        words = ["convert", "--family", name, "--random-weights", "0", "-o", str(made)]
        subprocess.run([sys.executable, "-m", "detlite.cli", *words], check=True)
    return made / "model.tflite"


if __name__ == "__main__":
    main(*sys.argv[1:])
