"""Forms of non-maximum suppression in an ONNX file, one file each; the name is what `--nms` takes.

What they share is not here, but in `detlite.convert.onnx.nms_variant` and `detlite.convert.onnx.scores_and_boxes`.

Add a form as one file with `PLUGIN = NmsVariant(...)`.
"""
