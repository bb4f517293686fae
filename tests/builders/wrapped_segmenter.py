"""A checkpoint of TF-Vision's `projects/qat`, in the layout that its factory gives a DeepLab V3+ with MobileNet V2.

The layout was taken from a checkpoint that the original (tf-models-official 2.20) wrote; the values are ours.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from builders.asked_weights import AskedWeights
from builders.golden_models import write_object_checkpoint
from builders.wrapped_checkpoint import QUANTIZATION, ends, ranges, wrapped_backbone
from detlite.convert.rebuild.architecture import RebuildPlan
from detlite.convert.rebuild.architectures.tf_vision_segmenter import PLUGIN
from detlite.convert.rebuild.tf_vision.tasks.segmentation import Segmenter
from detlite.runtime.arrays import Floats

PARAMS = """
task:
  model:
    num_classes: 5
    input_size: [64, 64, 3]
    backbone: {type: mobilenet, mobilenet: {model_id: MobileNetV2, filter_size_scale: 0.1, output_stride: 32}}
    decoder:
      type: aspp
      aspp: {level: 5, dilation_rates: [2], num_filters: 6, pool_kernel_size: [], output_tensor: false}
    head: {num_convs: 1, num_filters: 7, feature_fusion: deeplabv3plus, low_level: 2, low_level_num_filters: 3}
    norm_activation: {activation: relu, norm_epsilon: 0.001, norm_momentum: 0.9}
"""
EXPERIMENT = "mnv2_deeplabv3_pascal"
BRANCH = re.compile(r"model/decoder/aspp/aspp_layers/(\d)/layer_with_weights-(\d)/(\w+)")
POOLED = re.compile(r"model/decoder/aspp/aspp_layers/2/layer_with_weights-0/layer_with_weights-(\d)/(\w+)")
PROJECTION = re.compile(r"model/decoder/aspp/projection/layer_with_weights-(\d)/(\w+)")
HEAD = re.compile(r"model/head/([\w/]+)/(\w+)")
DECODER_PART, HEAD_PART = "model/layer_with_weights-1/layer/aspp", "model/layer_with_weights-2/layer"
RANGES = {
    f"{DECODER_PART}/_activation_fn/output": (0.0, 5.0),
    f"{DECODER_PART}/aspp_layers/2/0/output": (-3.0, 3.5),
    f"{DECODER_PART}/aspp_layers/2/1/output": (-3.0, 3.5),
    f"{DECODER_PART}/_resizing_layer/output": (0.0, 4.5),
    f"{DECODER_PART}/_concat_layer/output": (0.0, 4.75),
    f"{HEAD_PART}/_activation_layer/output": (0.0, 2.0),
    f"{HEAD_PART}/_resizing_layer/output": (0.0, 5.25),
    f"{HEAD_PART}/_concat_layer/output": (0.0, 6.5),
    f"{HEAD_PART}/_classifier/output": (-8.0, 7.5),
}
"""All but the backbone's, of layers that have no others; the head's activation ends below what is joined there."""


def plain_weights(config: Segmenter) -> dict[str, Floats]:
    """Seeded weights of the plain network of *config*, by name."""
    weights = AskedWeights()
    PLUGIN.build(RebuildPlan(config, "params.yaml"), weights, (32, 32))
    return {name: np.asarray(weights.take(name, shape)) for name, shape in dict(weights.shapes).items()}


def place_of(name: str) -> tuple[str, str] | None:
    """Where the wrapper of the plain variable *name* is, and the variable's last name; None in the backbone."""
    if match := POOLED.fullmatch(name):
        return f"{DECODER_PART}/aspp_layers/2/{int(match[1]) + 2}", match[2]
    if match := BRANCH.fullmatch(name):
        return f"{DECODER_PART}/aspp_layers/{match[1]}/{match[2]}", match[3]
    if match := PROJECTION.fullmatch(name):
        return f"{DECODER_PART}/_projection/{match[1]}", match[2]
    if match := HEAD.fullmatch(name):
        return f"{HEAD_PART}/{match[1]}", match[2]
    return None


def wrapped_segmenter(plain: dict[str, Floats]) -> dict[str, Any]:
    """The variables of the quantization-aware model with the weights *plain*, and with ranges, by key."""
    made = wrapped_backbone(plain)
    for name, value in plain.items():
        if (place := place_of(name)) is not None:
            made[f"{place[0]}/layer/{place[1]}"] = value
            if place[1] == "kernel":
                made |= ranges(place[0], place[1], value)
    return made | {f"{name}_{end}": value for name, bounds in RANGES.items() for end, value in ends(bounds)}


def write_wrapped_segmenter(folder: Path, config: Segmenter) -> tuple[Path, dict[str, Floats]]:
    """Write `params.yaml` and the checkpoint `ckpt-1` to *folder*; return its prefix and the plain weights."""
    (folder / "params.yaml").write_text(PARAMS + QUANTIZATION)
    plain = plain_weights(config)
    write_object_checkpoint(folder / "ckpt-1", wrapped_segmenter(plain))
    return folder / "ckpt-1", plain
