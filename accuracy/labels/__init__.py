"""Ground truth as typed values, and the readers of label files that the datasets share.

Not here: the datasets themselves (`detlite.accuracy.datasets`) and lists of class names (`detlite.convert.labels`).

Add a reader as one module that returns `detlite.accuracy.labels.annotations.Annotations`, and use it in a dataset.
"""
