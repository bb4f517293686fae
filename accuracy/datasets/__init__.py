"""Places where images are; one file each, see `detlite.accuracy.image_source`."""
