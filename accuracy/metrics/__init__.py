"""Metrics, one file each: COCO, Pascal VOC 2007 and 2010, Open Images.

The file's name, with hyphens, is what `--metric` takes. What several metrics share (matching, precision,
interpolation) is in `detlite.accuracy`, not here.

Add a metric as one file with `PLUGIN = Metric(...)`, see `detlite.accuracy.metric.Metric`.
"""
