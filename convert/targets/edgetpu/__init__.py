"""The Edge TPU: which operators will map, what the compiler made of a model, and what to change. No TensorFlow.

Not here: running a compiled model (`detlite.runtime.runners.edgetpu_runner`).

Add a change that makes more of a model map as one file in `fixes/`, and a condition of the compiler in
`conditions.py`, with its source.
"""

from detlite.convert.targets.edgetpu.target import EDGE_TPU

PLUGIN = EDGE_TPU
