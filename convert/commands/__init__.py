"""Commands whose work is in `detlite.convert`."""
