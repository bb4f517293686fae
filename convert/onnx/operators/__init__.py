"""How each TFLite operator is written in ONNX: tables of functions, by what the operators do.

Not here: the graph that they write to (`detlite.convert.onnx.graph`) and the tensors that they read
(`detlite.convert.onnx.translation`).

Add an operator to the table `WRITERS` of the file where it belongs.
"""
