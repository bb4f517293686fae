"""What can be compared with what; one file each, see `detlite.convert.comparison`."""
