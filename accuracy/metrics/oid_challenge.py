"""Open Images Challenge: classes of which nobody said anything are left out; a group-of box counts as one object."""

from detlite.accuracy.interpolation import area_under_curve
from detlite.accuracy.pascal_metric import Pascal, pascal_metric

PLUGIN = pascal_metric(
    "Open Images Challenge: area under the curve, IoU 0.5; verified classes alone, group-of boxes count once",
    "OpenImagesChallengeEvaluator of the TF Object Detection API (`oid_challenge_detection_metrics`)",
    ("open_images",),
    Pascal(area_under_curve, group_weight=1.0, verified_only=True),
    {"evaluator": "detlite", "group_of_weight": 1.0},
)
