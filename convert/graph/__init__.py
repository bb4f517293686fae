"""Frozen TensorFlow graphs of SSD detectors: find the raw heads, cut the graph there, repair it, measure it.

Anchors, box coder and preprocessing are measured by running the graph. Nothing here reads files
(`detlite.convert.readers`) or writes TFLite (`detlite.convert.exporters`). Add a repair as one file in `repairs/`.
"""
