"""The kinds of devices, one file each, with a `PLUGIN`."""
