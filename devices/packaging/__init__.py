"""Artifacts packed for where they are used: an archive that a board runs, and the assets of an Android app.

Not here: putting a model on a device for a measurement (`detlite.devices.deploy`).

Add a kind of package as one module or folder, and a command for it in `detlite.commands`.
"""
