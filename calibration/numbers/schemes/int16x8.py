"""int8 weights with int16 activations: nearly float, for DSPs and microcontrollers; slow on a CPU (no XNNPACK)."""

from detlite.calibration.numbers.number_format import INT16
from detlite.calibration.numbers.scheme import Scheme
from detlite.calibration.numbers.writer import write_integers

PLUGIN = Scheme(
    title="int8 weights per channel, int16 activations around 0, int64 biases; wants images",
    source="TensorFlow Lite 16x8 quantization",
    numbers=INT16,
    write=write_integers,
)
