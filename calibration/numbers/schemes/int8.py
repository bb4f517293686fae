"""int8 weights and activations: the scheme that every accelerator supports."""

from detlite.calibration.numbers.number_format import INT8
from detlite.calibration.numbers.scheme import IO_TYPES, Scheme
from detlite.calibration.numbers.writer import write_integers

PLUGIN = Scheme(
    title="per-channel int8 weights, int8 activations with zero points, int32 biases; needs images",
    source="TensorFlow Lite 8-bit quantization specification",
    io=IO_TYPES,
    numbers=INT8,
    write=write_integers,
)
