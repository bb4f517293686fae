"""What each ONNX operator is in TensorFlow, in tables by kind; `table.py` joins them.

Not here: layouts and names (`detlite.convert.onnx_graph.translation`).

Add an operator as one more entry of the table of its kind.
"""
