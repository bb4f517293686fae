"""Kinds of devices, one file each: how one is recognized, which sensors it has, and how it is prepared.

The file's name is the `kind` in an inventory. Reaching a device is in `detlite.devices.transport`, not here.

Add a kind as one file with `PLUGIN = Kind(...)`, see `detlite.devices.kind.Kind`.
"""
