"""Detectors rebuilt in current TensorFlow from a config and the weights of a checkpoint.

`odapi/` reads the configs, `network/` has the layers, and `weights/` reads the checkpoints. Not here: graphs that were
exported already (`detlite.convert.readers`).

Add a family as one file in `odapi/families/`, with its feature extractor in `network/`, and another kind of network, as
SSD and CenterNet are, as one file in `architectures/`.
"""
