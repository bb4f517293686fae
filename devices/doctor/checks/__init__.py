"""The checks of `detlite doctor`, one file each.

A check looks at what the survey found and returns findings; it runs nothing on the device.

Add a check as one file with `PLUGIN = Check(...)`, see `detlite.devices.doctor.finding.Check`.
"""
