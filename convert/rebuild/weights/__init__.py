"""Weights for a rebuilt network: TensorFlow 1 and 2 checkpoints, and random values.

`weights.Weights` is the interface that network builders use; they do not know the source. Not here:
the networks themselves (`detlite.convert.rebuild.network`). Add a source as one more subclass of `Weights`, and a
checkpoint format as one more function that returns a `stored.Checkpoint`.
"""
