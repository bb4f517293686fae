"""Commands whose work is in `detlite.calibration`."""
