"""What would spoil a measurement on a device, and the line that cures it.

Not here: the questions that a device is asked (`detlite.devices.survey`); a check looks at the answers alone.

Add a check as one file in `checks/`.
"""
