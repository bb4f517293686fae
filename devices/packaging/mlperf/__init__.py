"""A folder with which MLPerf's vision reference app runs a detector, and its results read back.

The texts that are copied into the folder are in `files/`. Not here: the ONNX interface of the app
(`detlite.convert.onnx.mlperf`), and detlite's own scenarios (`detlite.runtime.measure`).

Add a file of the folder as one file in `files/`, and its name in `pack.py`.
"""
