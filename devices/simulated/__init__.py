"""Devices without hardware, for the pipelines of users: their answers are scripted, their programs run here.

Not here: the emulated devices that the tests of detlite start (`tests/builders/emulated.py`).

Add a device to simulate as one file in `models/`.
"""
