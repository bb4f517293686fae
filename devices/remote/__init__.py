"""Measuring and scoring on a device of the inventory: the model is put there, run there, and its results fetched.

Not here: the program that runs there (`detlite.runtime.board`) and how files get there (`detlite.devices.deploy`).

Add a job that a device can do as one module that starts it through `board.py`.
"""
