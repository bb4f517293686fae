"""Schemes, one file each: which numbers a quantized model computes with.

The file's name, with hyphens, is what `--scheme` takes. What the schemes share is in `detlite.calibration.numbers`, not
here.

Add a scheme as one file with `PLUGIN = Scheme(...)`, see `detlite.calibration.numbers.scheme.Scheme`.
"""
