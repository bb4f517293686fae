"""Image classification: a backbone, the mean of its last map, and one dense layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from detlite.convert.rebuild.detector_config import ImageResizer
from detlite.convert.rebuild.tf_vision.backbone import read_backbone, read_norm
from detlite.convert.rebuild.tf_vision.params import Params
from detlite.convert.rebuild.tf_vision.quantization import has_ranges
from detlite.convert.rebuild.tf_vision.read import TaskReader, backbones_in
from detlite.convert.rebuild.tf_vision.sizes import input_size

OTHER_TASKS = ("anchor", "head", "decoder", "rpn_head", "roi_generator", "model_type")
"""Keys of `task.model` that a classifier has not."""

OF_CLIPS = {"movinet", "resnet_3d", "resnet_3d_rs"}
"""Backbones that take clips."""

CROP = 0.875
"""The side of the central square that the exporter cuts out, as a share of the shorter side."""

MOST_CLASSES = 100_000


@dataclass(frozen=True)
class Classifier:
    """A classifier.

    Attributes:
        columns: the number of its outputs, with the background where it has one.
        size: (height, width) of its input; None if the config leaves it open.
        backbone: the config of its backbone.
        crop: the side of the central square of an image that it sees, as a share of the shorter side; None for all.
        has_ranges: whether it was trained aware of quantization, so that its checkpoint has ranges.
    """

    columns: int
    size: tuple[int, int] | None
    backbone: Any
    crop: float | None
    has_ranges: bool = False

    @property
    def classes(self) -> int:
        """The number of outputs."""
        return self.columns

    @property
    def resizer(self) -> ImageResizer:
        """The input's size."""
        return ImageResizer(*(self.size or (0, 0)))


def recognizes(model: Mapping[str, Any]) -> bool:
    """Return whether *model* has nothing but a backbone, which takes images."""
    return not any(name in model for name in OTHER_TASKS) and not OF_CLIPS & backbones_in(model)


def read(task: Params) -> Classifier:
    """Return the classifier in *task*."""
    model, training = task.inside("model"), task.inside("train_data")
    task.ignore("validation_data")
    model.needs("num_classes", "input_size", "backbone")
    model.ignore("dropout_rate", "kernel_initializer", "output_softmax")
    model.only("add_head_batch_norm", False, "detlite does not rebuild a head with a batch norm")
    norm = read_norm(model)
    config = Classifier(
        columns=model.integer("num_classes", 1001, low=2, high=MOST_CLASSES),
        size=input_size(model),
        backbone=read_backbone(model, norm),
        crop=training.real("center_crop_fraction", CROP, high=1.0) if training.flag("aug_crop", True) else None,
    )
    model.finish()
    return replace(config, has_ranges=has_ranges(task, model, config.backbone))


PLUGIN = TaskReader(title="image classification", recognizes=recognizes, read=read, takes_ranges=True)
