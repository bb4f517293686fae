"""Small configs, written out; tests change a line of them."""

SSD = """\
model {
  ssd {
    num_classes: 3
    image_resizer { fixed_shape_resizer { height: 96 width: 128 } }
    feature_extractor {
      type: "ssd_mobilenet_v2"
      conv_hyperparams {
        activation: RELU_6
        regularizer { l2_regularizer { weight: 0.00004 } }
        batch_norm { scale: true decay: 0.9997 epsilon: 0.01 }
      }
    }
    box_predictor {
      convolutional_box_predictor {
        kernel_size: 3
        use_dropout: false
        conv_hyperparams { activation: RELU_6 }
      }
    }
    anchor_generator {
      ssd_anchor_generator {
        aspect_ratios: [1.0, 2.0, 0.3333]
      }
    }
    box_coder { faster_rcnn_box_coder { } }
    post_processing {
      batch_non_max_suppression { score_threshold: 1e-8 }
      score_converter: SIGMOID
    }
    loss { classification_weight: 1.0 }
  }
}
"""

RETINA = (
    SSD.replace("convolutional_box_predictor {", "weight_shared_convolutional_box_predictor { depth: 64")
    .replace("ssd_anchor_generator", "multiscale_anchor_generator")
    .replace("ssd_mobilenet_v2", "ssd_mobilenet_v2_fpn")
)

CENTER_NET = """\
model {
  center_net {
    num_classes: 3
    feature_extractor {
      type: "resnet_v1_50_fpn"
    }
    image_resizer {
      keep_aspect_ratio_resizer { min_dimension: 128 max_dimension: 256 pad_to_max_dimension: true }
    }
    object_detection_task { task_loss_weight: 1.0 localization_loss { l1_localization_loss { } } }
    object_center_params { max_box_predictions: 20 }
  }
}
"""

FASTER_RCNN = """\
model {
  faster_rcnn {
    num_classes: 3
    image_resizer { keep_aspect_ratio_resizer { min_dimension: 96 max_dimension: 128 } }
    feature_extractor { type: "faster_rcnn_inception_v2" first_stage_features_stride: 16 }
    first_stage_anchor_generator {
      grid_anchor_generator { scales: [0.1, 0.25] aspect_ratios: [0.5, 1.0, 2.0] height_stride: 16 width_stride: 16 }
    }
    first_stage_box_predictor_conv_hyperparams { op: CONV }
    first_stage_max_proposals: 12
    initial_crop_size: 14
    maxpool_kernel_size: 2
    maxpool_stride: 2
    second_stage_box_predictor { mask_rcnn_box_predictor { fc_hyperparams { op: FC } } }
    second_stage_post_processing {
      batch_non_max_suppression { iou_threshold: 0.6 max_detections_per_class: 4 max_total_detections: 10 }
      score_converter: SOFTMAX
    }
  }
}
"""

MASK_RCNN = FASTER_RCNN.replace("num_classes: 3", "num_classes: 3 number_of_stages: 3").replace(
    "fc_hyperparams { op: FC }",
    "fc_hyperparams { op: FC } predict_instance_masks: true mask_height: 15 mask_width: 15 conv_hyperparams { }",
)


def line_of(text: str, part: str) -> int:
    """Return the number of the first line of *text* in which *part* stands."""
    return next(number for number, line in enumerate(text.splitlines(), 1) if part in line)
