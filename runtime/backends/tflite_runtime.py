"""The TFLite interpreter of tflite-runtime, for boards with Python 3.9 to 3.11; its last version is 2.14."""

from detlite.runtime.runners.backend import Backend
from detlite.runtime.runners.tflite_backend import opener

PLUGIN = Backend(
    title="TFLite",
    suffixes=(".tflite",),
    open=opener((("tflite_runtime.interpreter", "tflite-runtime"),)),
    package="tflite_runtime",
    rank=2,
)
