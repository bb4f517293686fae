"""Configs of two-stage detectors as the OD API's samples have them, one for each data set and kind; written by hand.

They have what the samples of these names set in `model`; training is left out.
"""

ANCHORS = """
    first_stage_anchor_generator {
      grid_anchor_generator {
        scales: [0.25, 0.5, 1.0, 2.0]
        aspect_ratios: [0.5, 1.0, 2.0]
        height_stride: STRIDE
        width_stride: STRIDE
      }
    }"""
CONV = """
    first_stage_box_predictor_conv_hyperparams {
      op: CONV
      regularizer { l2_regularizer { weight: 0.0 } }
      initializer { truncated_normal_initializer { stddev: 0.01 } }
    }
    first_stage_nms_score_threshold: 0.0
    first_stage_nms_iou_threshold: 0.7
    first_stage_localization_loss_weight: 2.0
    first_stage_objectness_loss_weight: 1.0"""
HEADS = """
    second_stage_box_predictor {
      mask_rcnn_box_predictor {
        use_dropout: false
        dropout_keep_probability: 1.0
        fc_hyperparams {
          op: FC
          regularizer { l2_regularizer { weight: 0.0 } }
          initializer { variance_scaling_initializer { factor: 1.0 uniform: true mode: FAN_AVG } }
        }PREDICTOR
      }
    }
    second_stage_localization_loss_weight: 2.0
    second_stage_classification_loss_weight: 1.0"""


def config(
    kind: str,
    classes: int,
    *,
    resizer: str = "keep_aspect_ratio_resizer { min_dimension: 600 max_dimension: 1024 }",
    stride: int = 16,
    crop: tuple[int, int, int] = (14, 2, 2),
    proposals: int = 300,
    detections: tuple[int, int] = (100, 300),
    first: str = "",
    predictor: str = "",
    post: str = "score_converter: SOFTMAX",
    more: str = "",
    metric: str = "coco_detection_metrics",
) -> str:
    """The text of a config with this feature extractor and so many classes; the rest is what most samples have."""
    size, kernel, step = crop
    return f"""
model {{
  faster_rcnn {{
    num_classes: {classes}
    image_resizer {{ {resizer} }}
    feature_extractor {{ type: '{kind}' first_stage_features_stride: {stride} }}{ANCHORS.replace("STRIDE", str(stride))}
    {first}{CONV}
    first_stage_max_proposals: {proposals}
    initial_crop_size: {size}
    maxpool_kernel_size: {kernel}
    maxpool_stride: {step}{HEADS.replace("PREDICTOR", predictor)}
    second_stage_post_processing {{
      batch_non_max_suppression {{
        score_threshold: 0.0
        iou_threshold: 0.6
        max_detections_per_class: {detections[0]}
        max_total_detections: {detections[1]}
      }}
      {post}
    }}
    {more}
  }}
}}
eval_config {{ metrics_set: "{metric}" use_moving_averages: false num_examples: 500 }}
"""


ATROUS = "first_stage_atrous_rate: 2"
MASKS = """
        predict_instance_masks: true
        mask_height: {0}
        mask_width: {0}
        mask_prediction_conv_depth: 0
        mask_prediction_num_conv_layers: {1}
        conv_hyperparams {{
          op: CONV
          regularizer {{ l2_regularizer {{ weight: 0.0 }} }}
          initializer {{ truncated_normal_initializer {{ stddev: 0.01 }} }}
        }}"""
SIGMOID_LOSS = "second_stage_classification_loss { weighted_sigmoid { anchorwise_output: true } }"
THREE_STAGES = "number_of_stages: 3 second_stage_mask_prediction_loss_weight: 4.0"

CONFIGS = {
    "faster_rcnn_resnet101_kitti": config(
        "faster_rcnn_resnet101",
        2,
        resizer="keep_aspect_ratio_resizer { min_dimension: 600 max_dimension: 1987 }",
        proposals=100,
        detections=(100, 300),
    ),
    "faster_rcnn_inception_resnet_v2_atrous_oid_v4": config(
        "faster_rcnn_inception_resnet_v2",
        601,
        stride=8,
        crop=(17, 1, 1),
        proposals=100,
        detections=(100, 100),
        first=ATROUS,
        metric="oid_V2_detection_metrics",
    ),
    "faster_rcnn_resnet50_fgvc": config(
        "faster_rcnn_resnet50",
        2854,
        proposals=32,
        detections=(5, 5),
        more="second_stage_batch_size: 32",
    ),
    "faster_rcnn_resnet101_ava_v2.1": config(
        "faster_rcnn_resnet101",
        80,
        detections=(100, 300),
        post="score_converter: SIGMOID",
        more=SIGMOID_LOSS,
        metric="pascal_voc_detection_metrics",
    ),
    "faster_rcnn_resnet101_snapshot_serengeti": config(
        "faster_rcnn_resnet101",
        48,
        resizer="fixed_shape_resizer { height: 640 width: 640 }",
        predictor=" share_box_across_classes: true",
        more="use_matmul_crop_and_resize: true clip_anchors_to_image: true use_matmul_gather_in_matcher: true "
        "use_static_shapes: true use_static_balanced_label_sampler: true",
    ),
    "faster_rcnn_resnet50_lowproposals_coco": config("faster_rcnn_resnet50", 90, proposals=50),
    "mask_rcnn_inception_v2_coco": config(
        "faster_rcnn_inception_v2",
        90,
        resizer="keep_aspect_ratio_resizer { min_dimension: 800 max_dimension: 1365 }",
        predictor=MASKS.format(15, 2),
        more=THREE_STAGES,
    ),
    "mask_rcnn_resnet101_atrous_coco": config(
        "faster_rcnn_resnet101",
        90,
        resizer="keep_aspect_ratio_resizer { min_dimension: 800 max_dimension: 1365 }",
        stride=8,
        first=ATROUS,
        predictor=MASKS.format(33, 4),
        more=THREE_STAGES,
    ),
    "faster_rcnn_resnet152_coco": config("faster_rcnn_resnet152", 90),
}
