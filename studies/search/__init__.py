"""Quantization judged by its results: gates, mixed precision, losses by layer, and how many images are enough.

Not here: one quantization (`detlite.calibration`) and one score (`detlite.accuracy`).

Add a search as one module that takes a `detlite.studies.search.bench.Bench` and returns its result.
"""
