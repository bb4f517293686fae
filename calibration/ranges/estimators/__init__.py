"""Ways to make a range of what was seen; one file each, see `detlite.calibration.ranges.estimator`."""
