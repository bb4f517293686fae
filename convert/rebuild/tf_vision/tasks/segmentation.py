"""Semantic segmentation: a backbone, atrous spatial pyramid pooling, and a head (DeepLab V3 and V3+)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from detlite.convert.rebuild.detector_config import ImageResizer
from detlite.convert.rebuild.network.blocks import NormActivation
from detlite.convert.rebuild.network.deeplab import AsppConfig, SegmentationHead
from detlite.convert.rebuild.tf_vision.backbone import read_backbone, read_norm
from detlite.convert.rebuild.tf_vision.params import Params
from detlite.convert.rebuild.tf_vision.pyramid import DECODERS
from detlite.convert.rebuild.tf_vision.quantization import has_ranges
from detlite.convert.rebuild.tf_vision.read import TaskReader
from detlite.convert.rebuild.tf_vision.sizes import input_size, output_size
from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError

MOST_CLASSES = 255  # of label images of one byte a pixel
FUSIONS = ("None", "deeplabv3plus")


@dataclass(frozen=True)
class Segmenter:
    """A segmenter.

    Attributes:
        columns: the number of its classes, with the background.
        size: (height, width) of its input; None if the config leaves it open.
        backbone: the config of its backbone.
        aspp: the config of its decoder.
        head: the config of its head.
        norm: of its decoder and its head.
        keeps_aspect: whether images are padded instead of stretched.
        has_ranges: whether it was trained aware of quantization, so that its checkpoint has ranges.
    """

    columns: int
    size: tuple[int, int] | None
    backbone: Any
    aspp: AsppConfig
    head: SegmentationHead
    norm: NormActivation
    keeps_aspect: bool
    has_ranges: bool = False

    @property
    def classes(self) -> int:
        """The number of classes."""
        return self.columns

    @property
    def resizer(self) -> ImageResizer:
        """The input's size."""
        return ImageResizer(*(self.size or (0, 0)))


def recognizes(model: Mapping[str, Any]) -> bool:
    """Return whether *model* has a head and a decoder, and no anchors."""
    return "head" in model and "decoder" in model and "anchor" not in model and "rpn_head" not in model


def read(task: Params) -> Segmenter:
    """Return the segmenter in *task*."""
    model = task.inside("model")
    task.ignore("export_config")
    training, validation = task.inside("train_data"), task.inside("validation_data")
    model.needs("num_classes", "backbone", "decoder", "head")
    model.ignore("input_size", "min_level", "max_level")
    model.only("mask_scoring_head", None, "detlite does not rebuild a head that scores masks")
    norm = read_norm(model)
    backbone = read_backbone(model, norm)
    config = Segmenter(
        columns=model.integer("num_classes", 21, low=2, high=MOST_CLASSES),
        size=input_size(model) or output_size(validation),
        backbone=backbone,
        aspp=_aspp(model),
        head=_head(model),
        norm=norm,
        keeps_aspect=training.flag("preserve_aspect_ratio", True),
        has_ranges=has_ranges(task, model, backbone),
    )
    model.finish()
    return config


def _aspp(model: Params) -> AsppConfig:
    kind, section = model.one_of("decoder", "aspp", DECODERS)
    if kind != "aspp":
        raise InputError(f"{model.where('decoder')} is {kind}; detlite rebuilds segmenters with aspp")
    section.needs("level", "dilation_rates")
    section.ignore("dropout_rate")
    section.only("spp_layer_version", "v1", "detlite rebuilds version v1")
    section.only("use_depthwise_convolution", False, "detlite rebuilds pooling with whole convolutions")
    section.only("output_tensor", False, "detlite rebuilds a decoder with one map")
    pool = section.integers("pool_kernel_size", ())
    if len(pool) not in (0, 2):
        raise InputError(f"{section.where('pool_kernel_size')} has {counted(len(pool), 'number')}; want two, or none")
    config = AsppConfig(
        section.integer("level", 4, low=2, high=6),
        section.integer("num_filters", 256, low=1, high=4096),
        section.integers("dilation_rates", ()),
        (pool[0], pool[1]) if pool else None,
    )
    section.finish()
    return config


def _head(model: Params) -> SegmentationHead:
    section = model.inside("head")
    section.needs("num_convs", "feature_fusion")
    section.ignore("level", "decoder_min_level", "decoder_max_level")
    section.only("upsample_factor", 1, "detlite does not rebuild a head that upsamples")
    section.only("logit_activation", None, "detlite rebuilds a head without it")
    section.only("use_depthwise_convolution", False, "detlite rebuilds a head with whole convolutions")
    fusion = section.choice("feature_fusion", "None", FUSIONS) if section.has("feature_fusion") else "None"
    section.ignore("feature_fusion")
    low = section.integer("low_level", 2, low=1, high=6)
    head = SegmentationHead(
        section.integer("num_convs", 2, high=64),
        section.integer("num_filters", 256, low=1, high=4096),
        None if fusion == "None" else low,
        section.integer("low_level_num_filters", 48, low=1, high=4096),
        section.integer("prediction_kernel_size", 1, low=1, high=15),
    )
    section.finish()
    return head


PLUGIN = TaskReader(title="semantic segmentation", recognizes=recognizes, read=read, takes_ranges=True)
