"""Open Images V2: VOC 2010 in which what is found in a group-of box counts neither way."""

from detlite.accuracy.interpolation import area_under_curve
from detlite.accuracy.pascal_metric import Pascal, pascal_metric

PLUGIN = pascal_metric(
    "Open Images V2: area under the curve, IoU 0.5; group-of boxes count neither way",
    "OpenImagesDetectionEvaluator of the TF Object Detection API (`oid_V2_detection_metrics`)",
    ("open_images",),
    Pascal(area_under_curve, group_weight=0.0),
    {"evaluator": "detlite", "group_of_weight": 0.0},
)
