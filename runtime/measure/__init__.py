"""How fast a model is: load scenarios, protocol, samples, statistics, verdict, and the state of the machine meanwhile.

Not here: opening and running a model file (`detlite.runtime.runners`), and devices that are not this machine
(`detlite.devices`).

Add a scenario as one file in `scenarios/`.
"""
