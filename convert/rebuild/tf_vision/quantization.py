"""`task.quantization`: training that is aware of quantization, of TF-Vision's `projects/qat`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from detlite.convert.rebuild.network.spinenet import MobileSpineNetBackbone, SpineNetBackbone
from detlite.convert.rebuild.network.tf_vision_mobilenet import MobileNetBackbone
from detlite.convert.rebuild.network.tf_vision_resnet import BOTTLENECK_FROM, DilatedResNetBackbone, ResNetBackbone
from detlite.convert.rebuild.tf_vision.params import Params
from detlite.runtime.errors import InputError

TRAINS: Sequence[str] = ("RELU", "RELU_6", "SWISH")
"""The activations in a backbone or a pyramid that TensorFlow Model Optimization knows."""


@dataclass(frozen=True)
class TrainedRanges:
    """Which parts of a detector were trained aware of quantization, beside its backbone."""

    decoder: bool
    head: bool


def read_quantization(task: Params) -> TrainedRanges | None:
    """Return what *task* trains aware of quantization, by 8 bits; None if it does not."""
    if not task.has("quantization"):
        task.ignore("quantization")
        return None
    section = task.inside("quantization")
    section.ignore("pretrained_original_checkpoint", "num_bits_weight", "num_bits_activation")
    section.only("version", "v2", "detlite rebuilds what projects/qat itself quantizes, which is v2")
    section.only("change_num_bits", False, "detlite keeps ranges of 8 bits")
    ranges = TrainedRanges(
        section.flag("quantize_detection_decoder", False), section.flag("quantize_detection_head", False)
    )
    section.finish()
    return ranges


def has_ranges(task: Params, model: Params, backbone: Any) -> bool:
    """Return whether *task* trains its *model* aware of quantization; errors are those of `check_backbone`."""
    if read_quantization(task) is None:
        return False
    check_backbone(model, backbone)
    return True


def check_backbone(model: Params, backbone: Any) -> None:
    """Raise `InputError` if `projects/qat` itself cannot build the *backbone* of *model*."""
    reason = _unbuildable(backbone)
    if reason is not None:
        raise InputError(
            f"{model.where('backbone')} is {reason}, which projects/qat of TF-Vision 2.20 itself cannot build with "
            "task.quantization"
        )


def refused(model: Params, name: str, because: str) -> InputError:
    """Return the error that the key *name* of *model* has a value with which `projects/qat` builds no network."""
    return InputError(f"{model.where(name)}: projects/qat cannot build it with task.quantization, {because}")


def _unbuildable(backbone: Any) -> str | None:
    if isinstance(backbone, MobileNetBackbone):
        return None
    if isinstance(backbone, DilatedResNetBackbone):
        return "a dilated ResNet"
    if isinstance(backbone, SpineNetBackbone):
        return "a SpineNet that is not mobile"
    if not isinstance(backbone, ResNetBackbone | MobileSpineNetBackbone):
        return "no ResNet, MobileNet or Mobile SpineNet"
    if isinstance(backbone, ResNetBackbone) and backbone.layers < BOTTLENECK_FROM:
        return f"a ResNet of {backbone.layers} layers, whose blocks have no bottleneck"
    if isinstance(backbone, MobileSpineNetBackbone) and backbone.up_layers > 1:
        return "a Mobile SpineNet without use_keras_upsampling_2d"
    if backbone.norm.activation not in TRAINS:
        return f"a backbone with {backbone.norm.activation}"
    return None
