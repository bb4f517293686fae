"""TF-Vision's named experiments: the values that a params.yaml leaves out when it only overrides one.

Source: `official/vision/configs` of tf-models-official 2.20. An entry holds what differs from the defaults of the
config classes, which the readers in `tf_vision/tasks/` and `tf_vision/backbones/` know.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from detlite.convert.rebuild.tf_vision.params import merged

IMAGENET = {"num_classes": 1001, "input_size": [224, 224, 3]}
COCO = {"num_classes": 91}
ANCHOR = {"num_scales": 3, "aspect_ratios": [0.5, 1.0, 2.0]}

_VIT: Mapping[str, Any] = {
    **IMAGENET,
    "backbone": {"type": "vit", "vit": {"model_name": "vit-b16", "representation_size": 768}},
}

_CLASSIFICATION: Mapping[str, Mapping[str, Any]] = {
    "image_classification": {},
    "resnet_imagenet": {
        **IMAGENET,
        "backbone": {"type": "resnet", "resnet": {"model_id": 50}},
        "norm_activation": {"norm_epsilon": 1e-5},
    },
    "resnet_rs_imagenet": {
        "num_classes": 1001,
        "input_size": [160, 160, 3],
        "backbone": {
            "type": "resnet",
            "resnet": {
                "model_id": 50,
                "stem_type": "v1",
                "se_ratio": 0.25,
                "resnetd_shortcut": True,
                "replace_stem_max_pool": True,
            },
        },
        "norm_activation": {"activation": "swish", "norm_epsilon": 1e-5},
    },
    "mobilenet_imagenet": {
        **IMAGENET,
        "backbone": {"type": "mobilenet", "mobilenet": {"model_id": "MobileNetV2", "filter_size_scale": 1.0}},
    },
    "deit_imagenet_pretrain": _VIT,
    "vit_imagenet_pretrain": _VIT,
}

_RETINANET: Mapping[str, Mapping[str, Any]] = {
    "retinanet_resnetfpn_coco": {
        **COCO,
        "input_size": [640, 640, 3],
        "backbone": {"type": "resnet", "resnet": {"model_id": 50}},
        "decoder": {"type": "fpn", "fpn": {}},
        "anchor": {**ANCHOR, "anchor_size": 4},
        "head": {},
    },
    "retinanet_spinenet_coco": {
        **COCO,
        "input_size": [640, 640, 3],
        "backbone": {"type": "spinenet", "spinenet": {"model_id": "49"}},
        "decoder": {"type": "identity"},
        "anchor": {**ANCHOR, "anchor_size": 3},
        "norm_activation": {"activation": "swish"},
        "head": {},
    },
    "retinanet_mobile_coco": {
        **COCO,
        "input_size": [384, 384, 3],
        "backbone": {"type": "spinenet_mobile", "spinenet_mobile": {"model_id": "49"}},
        "decoder": {"type": "identity"},
        "anchor": {**ANCHOR, "anchor_size": 3},
        "norm_activation": {"activation": "swish"},
        "head": {"num_filters": 48, "use_separable_conv": True},
    },
}

_REGIONS_OF_SPINENET: Mapping[str, Any] = {
    **COCO,
    "input_size": [640, 640, 3],
    "min_level": 3,
    "max_level": 7,
    "include_mask": True,
    "backbone": {"type": "spinenet", "spinenet": {"model_id": "49"}},
    "decoder": {"type": "identity"},
    "anchor": {"anchor_size": 3, "num_scales": 1, "aspect_ratios": [0.5, 1.0, 2.0]},
    "rpn_head": {},
}

_TWO_STAGE: Mapping[str, Mapping[str, Any]] = {
    "maskrcnn_resnetfpn_coco": {
        **COCO,
        "input_size": [1024, 1024, 3],
        "min_level": 2,
        "max_level": 6,
        "include_mask": True,
        "backbone": {"type": "resnet", "resnet": {"model_id": 50}},
        "decoder": {"type": "fpn", "fpn": {}},
        "anchor": {"anchor_size": 8, "num_scales": 1, "aspect_ratios": [0.5, 1.0, 2.0]},
        "norm_activation": {"norm_epsilon": 1e-4},
        "rpn_head": {},
    },
    "maskrcnn_spinenet_coco": {**_REGIONS_OF_SPINENET, "norm_activation": {"norm_epsilon": 1e-3}},
    "cascadercnn_spinenet_coco": {
        **_REGIONS_OF_SPINENET,
        "norm_activation": {"activation": "swish", "norm_epsilon": 1e-3},
        "roi_sampler": {"cascade_iou_thresholds": [0.6, 0.7]},
        "detection_head": {"class_agnostic_bbox_pred": True, "cascade_class_ensemble": True},
    },
}

_DILATED: Mapping[str, Any] = {
    "type": "dilated_resnet",
    "dilated_resnet": {"model_id": 101, "output_stride": 16, "stem_type": "v1", "multigrid": [1, 2, 4]},
}
PASCAL = {"num_classes": 21, "input_size": [None, None, 3]}

_SEGMENTATION: Mapping[str, Mapping[str, Any]] = {
    "seg_deeplabv3_pascal": {
        **PASCAL,
        "backbone": _DILATED,
        "decoder": {"type": "aspp", "aspp": {"level": 4, "dilation_rates": [12, 24, 36]}},
        "head": {"level": 4, "num_convs": 0, "feature_fusion": None},
        "norm_activation": {"activation": "swish"},
    },
    "seg_deeplabv3plus_pascal": {
        **PASCAL,
        "backbone": _DILATED,
        "decoder": {"type": "aspp", "aspp": {"level": 4, "dilation_rates": [6, 12, 18]}},
        "head": {"level": 4, "num_convs": 2, "feature_fusion": "deeplabv3plus"},
        "norm_activation": {"activation": "swish"},
    },
    "mnv2_deeplabv3_pascal": {
        **PASCAL,
        "backbone": {"type": "mobilenet", "mobilenet": {"model_id": "MobileNetV2", "output_stride": 16}},
        "decoder": {"type": "aspp", "aspp": {"level": 4, "dilation_rates": [], "pool_kernel_size": []}},
        "head": {"level": 4, "num_convs": 0, "feature_fusion": None},
    },
}
_RESNET_3D: Mapping[str, Any] = {
    "model_type": "video_classification",
    "backbone": {
        "type": "resnet_3d",
        "resnet_3d": {
            "model_id": 50,
            "stem_type": "v0",
            "stem_conv_temporal_kernel_size": 5,
            "stem_conv_temporal_stride": 2,
            "stem_pool_temporal_stride": 2,
            "se_ratio": 0.0,
        },
    },
    "norm_activation": {"norm_epsilon": 1e-5},
}
_MOVINET: Mapping[str, Any] = {
    "model_type": "movinet",
    "backbone": {"type": "movinet", "movinet": {"model_id": "a0"}},
    "activation": "swish",
}


def _clips(classes: int, frames: int = 64, stride: int = 1) -> Mapping[str, Any]:
    return {"num_classes": classes, "feature_shape": [frames, 224, 224, 3], "temporal_stride": stride}


_VIDEO: Mapping[str, Mapping[str, Any]] = {
    "video_classification": {"model": {"model_type": "video_classification"}, "train_data": {"num_classes": -1}},
    "video_classification_ucf101": {"model": _RESNET_3D, "train_data": _clips(101, 32, 2)},
    "video_classification_kinetics400": {"model": _RESNET_3D, "train_data": _clips(400)},
    "video_classification_kinetics600": {"model": _RESNET_3D, "train_data": _clips(600)},
    "video_classification_kinetics700": {"model": _RESNET_3D, "train_data": _clips(700)},
    "video_classification_kinetics700_2020": {"model": _RESNET_3D, "train_data": _clips(700)},
    "movinet_kinetics600": {"model": _MOVINET, "train_data": _clips(600)},
}
_PASCAL_SIZE: Mapping[str, Any] = {"output_size": [512, 512]}

_PLAIN: Mapping[str, Mapping[str, Any]] = {
    **{name: {"model": model} for name, model in {**_CLASSIFICATION, **_RETINANET, **_TWO_STAGE}.items()},
    **{name: {"model": model, "validation_data": _PASCAL_SIZE} for name, model in _SEGMENTATION.items()},
    **_VIDEO,
}
QAT = ("resnet_imagenet", "mobilenet_imagenet", "mnv2_deeplabv3_pascal")
"""Experiments that `projects/qat` trains aware of quantization, and leaves as they are."""

_UPSAMPLING = {"backbone": {"spinenet_mobile": {"use_keras_upsampling_2d": True}}}

EXPERIMENTS: Mapping[str, Mapping[str, Any]] = {
    **_PLAIN,
    **{f"{name}_qat": {**_PLAIN[name], "quantization": {}} for name in QAT},
    "retinanet_mobile_coco_qat": {
        "model": merged(_RETINANET["retinanet_mobile_coco"], _UPSAMPLING),
        "quantization": {},
    },
}
"""The `task` of each experiment, by its name."""
