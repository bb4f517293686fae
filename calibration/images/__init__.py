"""Calibration images: gathered, checked, chosen, and kept in a cache.

Not here: the formats that images come in (`detlite.accuracy.datasets`), and decoding (`detlite.runtime.image`).

Add a check of images as one file in `lint/`.
"""
