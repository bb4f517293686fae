"""Number formats that a model can be quantized to; one file each, see `detlite.calibration.numbers.scheme`."""
