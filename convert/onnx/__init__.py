"""Writing ONNX files: a graph node by node, from the operators of a finished TFLite model.

Not here: the exporter's plug-in (`convert/exporters/onnx.py`) and running .onnx files (`detlite.runtime.runners`).

Add a TFLite operator as one more entry of the table in a file of `convert/onnx/operators/`.
"""
