"""Named changes to a .tflite that the Edge TPU needs; one file each, see `detlite.convert.targets.edgetpu.fix`."""
