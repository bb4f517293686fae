"""int8 around 0 as explicit quantization, biases in float: what TensorRT takes, for a Jetson."""

from detlite.calibration.numbers.number_format import EXPLICIT
from detlite.calibration.numbers.qdq_writer import write_explicit
from detlite.calibration.numbers.scheme import Scheme

PLUGIN = Scheme(
    title="int8 weights per channel, int8 activations around 0, float32 biases; wants images",
    source="NVIDIA TensorRT, Working with Quantized Types: explicit quantization",
    numbers=EXPLICIT,
    write=write_explicit,
)
