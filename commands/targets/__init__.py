"""The command-line options that targets have of their own, one file each; its name is that of the target.

What a target does is not here but in `detlite.convert.targets`. A target without options needs no file here.

Add a target's options as one file with `PLUGIN = TargetOptions(...)`, see `detlite.commands.target.TargetOptions`.
"""
