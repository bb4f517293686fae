"""Weights and biases as integers, and the corrections of what rounding costs.

Not here: the formats and scales of these integers (`detlite.calibration.numbers`).

Add a quantization method as one file in `methods/`.
"""
