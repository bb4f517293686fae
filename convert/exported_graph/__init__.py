"""Graphs as the OD API exports them, run by TensorFlow: what a model rebuilt from the checkpoint is compared with.

Nothing here converts such a graph; an SSD's is cut in `detlite.convert.graph`. Add a part that is compared in
`ends.py`, by its structure, and its values in `run.py`.
"""
