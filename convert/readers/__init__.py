"""Formats that trained models come in, one file each: frozen graphs, SavedModels, TensorFlow.js models, ONNX.

Checkpoints are not here: they are rebuilt, see `detlite.convert.rebuild`.

Add a format as one file with `PLUGIN = Reader(...)`, see `detlite.convert.reader.Reader`.
"""
