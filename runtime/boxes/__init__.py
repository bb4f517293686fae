"""From raw heads to detections: box codings, scores, non-maximum suppression. Numpy alone.

Not here: images (`detlite.runtime.image`) and running the model (`detlite.runtime.session`).

Add a box coding in `coding.py`, and its name to the contract.
"""
