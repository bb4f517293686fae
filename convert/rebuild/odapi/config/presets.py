"""Configs of the zoo's detectors, for building a family without a `pipeline.config`.

Source of the numbers: the public sample configs of the OD API and the papers that the families name.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from detlite.convert.files.float32 import as_float32
from detlite.convert.rebuild.detector_config import (
    BatchNorm,
    ConvHyperparams,
    ConvolutionalPredictor,
    FeatureExtractor,
    Fpn,
    ImageResizer,
    MultiscaleAnchors,
    PostProcessing,
    Ssd,
    SsdAnchors,
    WeightSharedPredictor,
)

COCO_CLASSES = 90
CONV = ConvHyperparams("RELU_6", BatchNorm(epsilon=0.001, scale=True))
POST_PROCESSING = PostProcessing("SIGMOID", score_threshold=1e-8)


def proto_floats(*values: float) -> tuple[float, ...]:
    """Return *values* rounded to float32, the type of the proto's fields that anchors are computed from."""
    return tuple(map(as_float32, values))


LOW, HIGH = proto_floats(0.2, 0.95)
SSD_ANCHORS = SsdAnchors(min_scale=LOW, max_scale=HIGH, aspect_ratios=proto_floats(1, 2, 0.5, 3, 0.3333))


def ssd(kind: str, side: int = 300, *, kernel_size: int = 3, **extractor: Any) -> Ssd:
    """Return an SSD with six maps and separate heads (Liu et al., SSD, 2016).

    Args:
        kind: the `type` of the feature extractor.
        side: the side of the square image, in pixels.
        kernel_size: the kernel size of the heads.
        extractor: other fields of the feature extractor.
    """
    return Ssd(
        classes=COCO_CLASSES,
        extractor=FeatureExtractor(kind, conv=CONV, **extractor),
        predictor=ConvolutionalPredictor(CONV, kernel_size),
        anchors=SSD_ANCHORS,
        resizer=ImageResizer(side, side),
        post_processing=POST_PROCESSING,
    )


def ssdlite(kind: str, side: int = 320, **extractor: Any) -> Ssd:
    """Return an SSD with depthwise separable extra maps and heads (Sandler et al., MobileNetV2, 2018, section 6.2)."""
    whole = ssd(kind, side, use_depthwise=True, **extractor)
    return replace(whole, predictor=ConvolutionalPredictor(CONV, 3, use_depthwise=True))


def retinanet(kind: str, side: int = 640, *, depth: int = 256, **extractor: Any) -> Ssd:
    """Return a feature pyramid with shared heads of four layers of *depth* channels (Lin et al., Focal Loss, 2017)."""
    return replace(
        ssd(kind, side, override_hyperparams=True, fpn=Fpn(additional_layer_depth=depth), **extractor),
        predictor=WeightSharedPredictor(CONV, layers=4, depth=depth),
        anchors=MultiscaleAnchors(),
    )


def _lite_tower(depth: int) -> WeightSharedPredictor:
    return WeightSharedPredictor(CONV, layers=4, depth=depth, share_prediction_tower=True, use_depthwise=True)


def fpnlite(kind: str, side: int = 320, **extractor: Any) -> Ssd:
    """Return the zoo's FPNLite: a pyramid of depthwise separable layers of 128 channels with one shared tower."""
    whole = retinanet(kind, side, depth=128, use_depthwise=True, **extractor)
    return replace(whole, predictor=_lite_tower(128))


def pooling_pyramid(kind: str, side: int = 300, **extractor: Any) -> Ssd:
    """Return a pooling pyramid of six maps with one shared layer of 512 channels (Jin et al., 2018)."""
    (low,) = proto_floats(0.15)
    return replace(
        ssd(kind, side, override_hyperparams=True, **extractor),
        predictor=WeightSharedPredictor(CONV, kernel_size=1, layers=1, depth=512, share_prediction_tower=True),
        anchors=replace(SSD_ANCHORS, min_scale=low, reduce_boxes_in_lowest_layer=False),
    )


def mnasfpn(kind: str, side: int = 320, **extractor: Any) -> Ssd:
    """Return MnasFPN (Chen et al.): levels 3 to 6, one shared tower of four depthwise separable layers, 64 channels."""
    whole = fpnlite(kind, side, **extractor)
    return replace(
        whole,
        extractor=replace(whole.extractor, use_depthwise=False, fpn=Fpn(3, 6, additional_layer_depth=48)),
        predictor=_lite_tower(64),
        anchors=MultiscaleAnchors(max_level=6, anchor_scale=3.0, scales_per_octave=3),
    )
