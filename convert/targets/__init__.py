"""Chips that need a model of their own, one folder or file each: the Edge TPU of Coral, Google Tensor, TensorRT.

Each knows one compiler and its rules. Not here: running the compiled model (`detlite.runtime.runners`), the devices
that hold the chips (`detlite.devices`), and the command-line options of a target (`detlite.commands.targets`).

Add a target as one file or folder with `PLUGIN = Target(...)`, see `detlite.convert.target.Target`; it takes a finished
model file and returns one.
"""
