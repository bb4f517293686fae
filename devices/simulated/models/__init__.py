"""Devices that can be simulated, one file each: their files, and what their programs print.

The file's name is what `detlite devices simulate` takes. The folder and the shell that they run in are made in
`detlite.devices.simulated`, not here.

Add a device as one file with `PLUGIN = Simulator(...)`, see `detlite.devices.simulated.simulator.Simulator`.
"""
