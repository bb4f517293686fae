"""Google Tensor, the chip of Pixel phones: models compiled ahead of time for its TPU.

Not here: the phones themselves (`detlite.devices.kinds`).

Add a step of the compilation as a function in `compile.py`.
"""

from detlite.convert.targets.google_tensor.target import GOOGLE_TENSOR

PLUGIN = GOOGLE_TENSOR
