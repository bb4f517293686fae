"""Parsers of what programs of devices print, one file for each format.

Each is a pure function of the text; a line that cannot be read becomes a problem, not a guess. Running the programs is
in `detlite.devices.survey` and `detlite.devices.remote`, not here.

Add a format as one file with `PLUGIN = Format(...)`, see `detlite.devices.recording.Format`.
"""
