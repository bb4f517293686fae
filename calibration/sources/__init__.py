"""Places where images are; one file each, see `detlite.calibration.image_source`."""
