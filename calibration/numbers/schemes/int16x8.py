"""int8 weights, int16 activations: almost float accuracy, for DSPs and microcontrollers; slow on CPUs (no XNNPACK)."""

from detlite.calibration.numbers.number_format import INT16
from detlite.calibration.numbers.scheme import Scheme
from detlite.calibration.numbers.writer import write_integers

PLUGIN = Scheme(
    title="per-channel int8 weights, symmetric int16 activations, int64 biases; needs images",
    source="TensorFlow Lite 16x8 quantization",
    numbers=INT16,
    write=write_integers,
)
