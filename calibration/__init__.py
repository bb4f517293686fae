"""Quantization: calibration images, the ranges of activations, and the integer model made from them.

The folders are the stages in order: `images/`, `ranges/`, `numbers/`, `weights/`. Not here: how much accuracy a
quantized model loses (`detlite.accuracy`), and searches over many quantizations (`detlite.studies.search`).

Add an estimator, a scheme, a method or a check of images as one file in the folder of its kind.
"""
