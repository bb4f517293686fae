"""Commands whose work is in `detlite.devices`."""
