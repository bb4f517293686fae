"""Quantization methods, one file each: from a float model and its images to a quantized model.

The file's name is what `--method` takes. The corrections that a method is put together from are in
`detlite.calibration.weights`, not here.

Add a method as one file with `PLUGIN = Method(...)`, see `detlite.calibration.weights.method.Method`.
"""
