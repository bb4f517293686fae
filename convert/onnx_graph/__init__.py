"""Reading ONNX detectors: open a file safely, fold its constants, find its heads, translate it to TensorFlow.

Not here: the reader's plug-in (`convert/readers/onnx.py`) and writing ONNX (`convert/onnx/`).

Add an operator as one more entry of the table in a file of `convert/onnx_graph/operators/`.
"""
