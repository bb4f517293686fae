"""TensorRT, which runs ONNX on NVIDIA's GPUs: what its versions import, and the files that they take.

Not here: building and measuring engines on a board (`detlite.devices.remote`), writing ONNX (`detlite.convert.onnx`),
and the table of versions, which boards need too (`detlite.runtime.runners.tensorrt_versions`).

Add a rule of the importer as one more entry of a table in `operators.py` or `rules.py`.
"""

from detlite.convert.targets.tensorrt.target import TENSORRT

PLUGIN = TENSORRT
