"""A checkpoint of TF-Vision's `projects/qat`, in the layout that its factory gives a MobileNet V2 classifier.

The layout was taken from a checkpoint that the original (tf-models-official 2.20) wrote; the values are ours.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from builders.asked_weights import AskedWeights
from builders.golden_models import write_object_checkpoint
from detlite.convert.rebuild.architecture import RebuildPlan
from detlite.convert.rebuild.architectures.tf_vision_classifier import PLUGIN
from detlite.convert.rebuild.tf_vision.tasks.classification import Classifier
from detlite.runtime.arrays import Floats

PARAMS = """
task:
  model:
    num_classes: 5
    input_size: [32, 32, 3]
    backbone: {type: mobilenet, mobilenet: {model_id: MobileNetV2, filter_size_scale: 0.1}}
    norm_activation: {activation: relu6, norm_epsilon: 0.001, norm_momentum: 0.9}
"""
QUANTIZATION = "  quantization: {pretrained_original_checkpoint: null, change_num_bits: false}\n"
EXPERIMENT = "mobilenet_imagenet"
IMAGE, LOGITS = (-2.25, 2.75), (-4.0, 3.5)
RESIDUAL, RELU6, LINEAR = (-6.0, 5.5), (0.0, 6.0), (-5.0, 4.5)
BLOCK = re.compile(r"(?:layer_with_weights-0|model/backbone)/layer_with_weights-(\d+)/(\w+)/(\w+)")
DENSE = "layer_with_weights-1"


def wrapped_backbone(plain: dict[str, Floats]) -> dict[str, Any]:
    """The variables of the backbone, which is the first part of the model."""
    root = "model/layer_with_weights-0"
    made: dict[str, Any] = {f"{root}/layer_with_weights-0/quantize_layer_{end}": v for end, v in ends(IMAGE)}
    for name, value in plain.items():
        if match := BLOCK.fullmatch(name):
            number, layer, last = match.groups()
            block = f"{root}/layer_with_weights-{2 * int(number) + 1}"
            made[f"{block}/layer/{layer}/layer/{last}"] = value
            made |= {f"{block}/layer/{key}": one for key, one in ranges(layer, last, value).items()}
            made[f"{root}/layer_with_weights-{2 * int(number) + 2}/optimizer_step"] = np.int32(-1)
    return made


SIGNS = (("min", np.float32(-1)), ("max", np.float32(1)))


def plain_weights(config: Classifier) -> dict[str, Floats]:
    """Seeded weights of the plain network of *config*, by name."""
    weights = AskedWeights()
    PLUGIN.build(RebuildPlan(config, "params.yaml"), weights, (32, 32))
    return {name: np.asarray(weights.take(name, shape)) for name, shape in dict(weights.shapes).items()}


def wrapped(plain: dict[str, Floats]) -> dict[str, Any]:
    """The variables of the quantization-aware model with the weights *plain*, and with ranges, by key."""
    made = wrapped_backbone(plain)
    for name, value in plain.items():
        if not BLOCK.fullmatch(name):
            made[f"model/layer_with_weights-3/layer/{name.removeprefix(DENSE + '/')}"] = value
    kernel = plain[f"{DENSE}/kernel"]
    made |= {f"model/layer_with_weights-1/output_{end}": value for end, value in ends(RELU6)}
    made |= {f"model/layer_with_weights-3/post_activation_{end}": value for end, value in ends(LOGITS)}
    made |= {f"model/layer_with_weights-3/kernel_{end}": sign * np.abs(kernel).max() for end, sign in SIGNS}
    return made | {"model/layer_with_weights-2/optimizer_step": np.int32(-1)}


def ends(bounds: tuple[float, float]) -> tuple[tuple[str, Any], tuple[str, Any]]:
    """The names and the values of the two variables of a range."""
    return ("min", np.float32(bounds[0])), ("max", np.float32(bounds[1]))


def ranges(layer: str, last: str, value: Floats) -> dict[str, Any]:
    """The ranges beside the variable *last* of the layer *layer* of a block."""
    if last == "kernel":
        bound = np.abs(value).max(axis=(0, 1, 2))
        return {f"{layer}/kernel_{end}": sign * bound for end, sign in SIGNS}
    if last == "depthwise_kernel":
        return {f"{layer}/{last}_{end}": sign * np.abs(value).max()[None] for end, sign in SIGNS}
    if last != "gamma":
        return {}
    owner = {"_norm0": "_activation_layer", "_norm1": "_depthwise_activation_layer", "_norm2": "_norm2"}[layer]
    found = {f"{owner}/output_{end}": v for end, v in ends(LINEAR if owner == "_norm2" else RELU6)}
    return found | {f"_add/output_{end}": v for end, v in ends(RESIDUAL) if layer == "_norm2"}


def write_wrapped(folder: Path, config: Classifier) -> tuple[Path, dict[str, Floats]]:
    """Write `params.yaml` and the checkpoint `ckpt-1` to *folder*; return its prefix and the plain weights."""
    (folder / "params.yaml").write_text(PARAMS + QUANTIZATION)
    plain = plain_weights(config)
    write_object_checkpoint(folder / "ckpt-1", wrapped(plain))
    return folder / "ckpt-1", plain
