"""Quantization methods, one file each: from a float model and its images to a quantized model.

The name of the file is the value of `--method`. The corrections that methods combine are in
`detlite.calibration.weights`, not here.

Add a method as one file with `PLUGIN = Method(...)`, see `detlite.calibration.weights.method.Method`.
"""
