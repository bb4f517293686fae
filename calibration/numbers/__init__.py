"""Number formats, the scales of tensors, the operators that have a quantized form, and the writer of the model.

Not here: which values a tensor takes (`detlite.calibration.ranges`) and how weights are rounded
(`detlite.calibration.weights`).

Add a number format for whole models as one file in `schemes/`, and an operator as an entry of `operators.py`.
"""
