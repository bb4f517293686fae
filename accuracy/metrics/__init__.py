"""Metrics, one file each: COCO by boxes and by masks, Pascal VOC, Open Images, top-1 and top-5, mean IoU.

The file's name, with hyphens, is what `--metric` takes. What several metrics share (matching, precision,
interpolation) is in `detlite.accuracy`, not here.

Add a metric as one file with `PLUGIN = Metric(...)`, see `detlite.accuracy.metric.Metric`.
"""
