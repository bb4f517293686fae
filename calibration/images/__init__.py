"""Calibration images: gathered, checked, chosen, and cached.

Not here: data set formats (`detlite.accuracy.datasets`) and decoding (`detlite.runtime.image`).

Add a check of images as one file in `lint/`.
"""
