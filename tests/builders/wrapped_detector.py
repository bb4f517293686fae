"""Checkpoints of TF-Vision's `projects/qat`, in the layouts that its factory gives two RetinaNets.

The layouts, in `layouts/`, are the names and shapes in checkpoints that the original (tf-models-official 2.20) wrote: a
MobileNet V2 with a separable FPN, and a Mobile SpineNet with swish. The values are ours.
"""

from __future__ import annotations

import ast
import gzip
from pathlib import Path
from typing import Any

import numpy as np

from builders.golden_models import write_object_checkpoint

LAYOUTS = Path(__file__).parent / "layouts"
MODEL = """
task:
  model:
    num_classes: 5
    input_size: [128, 128, 3]
    min_level: 3
    max_level: 7
    anchor: {num_scales: 1, aspect_ratios: [1.0, 2.0], anchor_size: 3}
    head: {num_convs: 2, num_filters: 16, use_separable_conv: true}
"""
MOBILENET = """
    backbone: {type: mobilenet, mobilenet: {model_id: MobileNetV2, filter_size_scale: 0.35}}
    decoder: {type: fpn, fpn: {num_filters: 16, use_separable_conv: true, use_keras_layer: true}}
    norm_activation: {activation: relu6, norm_epsilon: 0.001}
  quantization: {version: v2, quantize_detection_decoder: true, quantize_detection_head: true}
"""
SPINENET = """
    backbone: {type: spinenet_mobile, spinenet_mobile: {model_id: 49XS, use_keras_upsampling_2d: true}}
    decoder: {type: identity}
    norm_activation: {activation: swish, norm_epsilon: 0.001}
  quantization: {version: v2, quantize_detection_head: true}
"""
PARAMS = {"retinanet_mobilenet": MODEL + MOBILENET, "retinanet_spinenet": MODEL + SPINENET}
EXPERIMENT = "retinanet_mobile_coco"


def layout(name: str) -> dict[str, tuple[int, ...]]:
    """The names of a detector's variables in the trainer's layout, from `backbone` on, with their shapes."""
    text = gzip.decompress((LAYOUTS / f"{name}.txt.gz").read_bytes()).decode()
    lines = (line.partition(" ") for line in text.splitlines())
    return {key: tuple(ast.literal_eval(shape)) for key, _space, shape in lines}


def wrapped_values(name: str) -> dict[str, Any]:
    """Seeded values of all variables of a detector, by key."""
    chance, made = np.random.default_rng(5), {}
    shapes = layout(name)
    for key, shape in shapes.items():
        last = key.rpartition("/")[2]
        if last in ("kernel", "depthwise_kernel"):
            fan = np.prod(shape[:2] if last != "kernel" else shape[:-1])
            made[key] = (chance.normal(0, 1, shape) / np.sqrt(fan)).astype(np.float32)
        elif last in ("gamma", "moving_variance"):
            made[key] = chance.uniform(0.8, 1.2, shape).astype(np.float32)
        elif last in ("beta", "moving_mean", "bias"):
            made[key] = chance.normal(0.1, 0.1, shape).astype(np.float32)
        elif last == "optimizer_step":
            made[key] = np.int32(-1)
    for key in shapes:
        if key not in made:
            made[key] = _end(key, made)
    return made


def _end(key: str, made: dict[str, Any]) -> Any:
    """The end of a range: of a kernel its largest weights, of anything else one that only that range has."""
    start, _, end = key.rpartition("_")
    owner, _, last = start.rpartition("/")
    sign = np.float32(-1 if end == "min" else 1)
    if last in ("kernel", "depthwise_kernel"):
        kernel = np.abs(made[f"{owner}/layer/{last}"])
        return sign * (kernel.max(axis=(0, 1, 2)) if last == "kernel" else kernel.max()[None])
    spread = np.float32(4 + (sum(start.encode()) % 97) / 100)
    return sign * spread


def write_wrapped_detector(folder: Path, name: str, *, exported: bool = False) -> Path:
    """Write `params.yaml` and a checkpoint to *folder*, as the trainer or as the exporter; return its prefix."""
    (folder / "params.yaml").write_text(PARAMS[name])
    values = wrapped_values(name)
    if exported:
        values = {f"model/_{key}": value for key, value in values.items()}
    write_object_checkpoint(folder / "ckpt-1", values)
    return folder / "ckpt-1"
