"""Fixes, one file each: changes of a .tflite file that let more of it run on the Edge TPU.

Each says whether its result is exact. Proving that on images is in `detlite.convert.targets.edgetpu.prove`, not here.

Add a fix as one file with `PLUGIN = Fix(...)`, see `detlite.convert.targets.edgetpu.fix.Fix`.
"""
