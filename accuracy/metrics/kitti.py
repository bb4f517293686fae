"""KITTI as the OD API's zoo states it: VOC 2010 in which what resembles a class, and DontCare, count neither way."""

from detlite.accuracy.interpolation import area_under_curve
from detlite.accuracy.pascal_metric import Pascal, pascal_metric

PLUGIN = pascal_metric(
    "KITTI's 2D boxes: area under the curve, IoU 0.5; vans, sitting persons and DontCare count neither way",
    "the zoo of the TF Object Detection API (`Pascal mAP@0.5`); KITTI's own benchmark has levels, and an IoU of 0.7",
    ("kitti",),
    Pascal(area_under_curve, group_weight=0.0),
    {"evaluator": "detlite", "dont_care": "half of a detection inside counts neither way", "levels": "all together"},
)
