"""Pascal VOC since 2010: AP as the area under the falling curve, IoU 0.5."""

from detlite.accuracy.interpolation import area_under_curve
from detlite.accuracy.pascal_metric import Pascal, pascal_metric

PLUGIN = pascal_metric(
    "Pascal VOC since 2010: AP as the area under the curve, IoU 0.5",
    "VOCevaldet.m and VOCap.m of the VOC2010 development kit",
    ("voc", "coco"),
    Pascal(area_under_curve),
    {"evaluator": "detlite", "difficult": "count neither way"},
)
