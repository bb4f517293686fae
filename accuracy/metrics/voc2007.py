"""Pascal VOC 2007: AP at eleven recalls, IoU 0.5."""

from detlite.accuracy.interpolation import eleven_point
from detlite.accuracy.pascal_metric import Pascal, pascal_metric

PLUGIN = pascal_metric(
    "Pascal VOC 2007: AP at eleven recalls, IoU 0.5",
    "VOCevaldet.m and VOCap.m of the VOC2007 development kit",
    ("voc", "coco"),
    Pascal(eleven_point),
    {"evaluator": "detlite", "difficult": "count neither way"},
)
