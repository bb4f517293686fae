"""int8 weights and activations: the scheme that every accelerator takes, and the one that methods repair."""

from detlite.calibration.numbers.number_format import INT8
from detlite.calibration.numbers.scheme import IO_TYPES, Scheme
from detlite.calibration.numbers.writer import write_integers

PLUGIN = Scheme(
    title="int8 weights per channel, int8 activations with a zero point, int32 biases; wants images",
    source="TensorFlow Lite 8-bit quantization specification",
    io=IO_TYPES,
    numbers=INT8,
    write=write_integers,
)
