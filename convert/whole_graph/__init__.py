"""TensorFlow graphs that are no model detlite knows, converted whole by tf2onnx and checked against TensorFlow.

Not here: detlite's own writer of ONNX (`detlite.convert.onnx`), and the readers of graphs (`detlite.convert.readers`).

Add a step of the conversion as one more file, and call it in `detlite.convert.whole_graph.export`.
"""
