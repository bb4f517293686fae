"""File formats that a model is written to.

Not here: reading and editing finished files (`detlite.convert.tflite`) and models for one chip
(`detlite.convert.targets`).

Add a format as one file.
"""
