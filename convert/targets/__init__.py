"""Chips that need a model of their own: the Edge TPU of Coral, and Google Tensor.

Each folder knows one chip's compiler and rules. Not here: running the compiled model (`detlite.runtime.runners`)
and the devices that hold the chips (`detlite.devices`).

Add a target as one folder; it takes a finished .tflite file and returns one.
"""
