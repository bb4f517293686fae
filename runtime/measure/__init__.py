"""Measuring a model's speed: load scenarios, protocol, samples, statistics, verdict, and the machine's state.

Not here: opening and running a model file (`detlite.runtime.runners`), and devices other than this machine
(`detlite.devices`).

Add a scenario as one file in `scenarios/`.
"""
