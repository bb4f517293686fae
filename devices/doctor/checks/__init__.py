"""The checks of `detlite doctor`, one file each, with a `PLUGIN`."""
