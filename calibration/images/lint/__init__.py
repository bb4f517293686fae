"""Checks of calibration images; one file each, see `detlite.calibration.images.check`."""
