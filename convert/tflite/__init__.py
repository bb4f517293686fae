"""Finished .tflite files: read, described, edited and checked, without TensorFlow.

Not here: writing a .tflite file from a graph (`detlite.convert.exporters`) and quantizing one (`detlite.calibration`).

Add an edit as one module with a function from a parsed model to a changed one; `flatbuffer.py` parses and writes.
"""
