"""By hand: a 3-D ResNet of 2-D convolutions, as detlite writes it, beside one of CONV_3D: the ratio of their times.

python tests/benchmarks/clip_convolutions.py PARAMS_YAML...

One thread, processor time, runs in turn; the weights are random.
"""

import sys
import time
from pathlib import Path
from statistics import median
from typing import Any
from unittest.mock import patch

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from detlite.convert.exporters.tflite import to_tflite
from detlite.convert.graph.trim import prune
from detlite.convert.rebuild.network import resnet_3d
from detlite.convert.rebuild.network.clip_layers import ClipLayers
from detlite.convert.rebuild.network.graph import GraphBuilder, Tensor
from detlite.convert.rebuild.tf_vision.read import read_params
from detlite.convert.rebuild.tf_vision.tasks.video_classification import ClipClassifier
from detlite.convert.rebuild.weights.random import RandomWeights
from detlite.convert.tensorflow import load_tensorflow
from detlite.runtime.arrays import Floats

RUNS, HEAD = 15, "last_map"
LINEAR = ("_expand_conv", "_shortcut_conv")


class VolumeLayers(ClipLayers):
    """The same layers with CONV_3D; their ReLU is between the convolution and the reshaping, where it can be fused."""

    def temporal(self, x: Tensor, kernel: Floats, bias: Floats | None, *, stride: int = 1, name: str) -> Tensor:
        """Return the convolution over time as one over a volume."""
        return self.volume(x, kernel[:, None, None], bias, strides=(stride, 1), name=name)

    def volume(self, x: Tensor, kernel: Floats, bias: Floats | None, *, strides: tuple[int, int], name: str) -> Tensor:
        """Return TensorFlow's 3-D convolution."""
        tf, (time_stride, side) = load_tensorflow(), strides
        y = tf.nn.conv3d(tf.reshape(x, (1, *x.shape)), kernel, (1, time_stride, side, side, 1), "SAME") + bias
        y = y if name.endswith(LINEAR) else tf.nn.relu(y)
        return tf.reshape(y, y.shape[1:])


def model_of(config: ClipClassifier, layers: type[ClipLayers]) -> bytes:
    """Return the backbone of *config* with *layers* as a .tflite."""
    shape = (config.clips.frames, *config.clips.size, 3)
    with patch.object(resnet_3d, "ClipLayers", layers), GraphBuilder(RandomWeights(0), shape) as net:
        frames = net.reshape(net.image, shape, "frames")
        net.identity(resnet_3d.build_resnet_3d(net, frames, config.backbone, "backbone"), HEAD)
        graph_def = prune(net.graph_def, [HEAD])
    return to_tflite(graph_def, [HEAD], is_frozen=True)


def opened(data: bytes, clip: Floats) -> Any:
    """Return *data*, open with one thread, with *clip* as its input."""
    interpreter = Interpreter(model_content=data, num_threads=1)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], clip)
    return interpreter


def seconds(interpreter: Any) -> float:
    """Return the processor time of one run."""
    start = time.process_time()
    interpreter.invoke()
    return time.process_time() - start


def main(*paths: str) -> None:
    """Print the ratio for each config, and how far the two forms differ."""
    for path in paths:
        config = read_params(Path(path))
        assert isinstance(config, ClipClassifier)
        shape = (1, config.clips.frames, *config.clips.size, 3)
        clip = np.random.default_rng(0).uniform(0, 1, shape).astype(np.float32)
        pair = [opened(model_of(config, layers), clip) for layers in (ClipLayers, VolumeLayers)]
        taken = [[seconds(one) for one in pair] for _run in range(RUNS)]
        flat, volume = (median(times) for times in zip(*taken, strict=True))
        maps = [one.get_tensor(one.get_output_details()[0]["index"]) for one in pair]
        error = float(np.abs(maps[0] - maps[1]).max() / np.abs(maps[1]).max())
        print(f"{path}: {flat / volume:.2f} of the time of CONV_3D ({volume * 1e3:.0f} ms); relative error {error:.1e}")


if __name__ == "__main__":
    main(*sys.argv[1:])
