"""Formats that detectors come in; one file each, see `detlite.convert.reader`."""
