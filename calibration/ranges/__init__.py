"""The values that activations take over the calibration images, and the ranges that are made of them.

Not here: scales and zero points (`detlite.calibration.numbers`).

Add a rule that makes a range of the values seen as one file in `estimators/`.
"""
