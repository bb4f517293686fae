"""Output formats of models.

Not here: reading and editing finished files (`detlite.convert.tflite`) and models for one chip
(`detlite.convert.targets`).

Add a format as one file.
"""
