"""How devices are reached: this machine, adb, ssh, and a simulated device.

A transport says how a program is started there; `run.py` does the rest (time limits, output, the exit status). Not
here: which files are put where (`detlite.devices.deploy`).

Add a transport as one module with a class of `detlite.devices.transport.transport.Transport`, and open it in
`connect.py`.
"""
