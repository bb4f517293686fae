"""Ways to quantize; one file each, see `detlite.calibration.weights.method`."""
