"""Explicit symmetric int8 quantization with float biases, the form that TensorRT (Jetson) reads."""

from detlite.calibration.numbers.number_format import EXPLICIT
from detlite.calibration.numbers.qdq_writer import write_explicit
from detlite.calibration.numbers.scheme import Scheme

PLUGIN = Scheme(
    title="per-channel int8 weights, symmetric int8 activations, float32 biases; needs images",
    source="NVIDIA TensorRT, Working with Quantized Types: explicit quantization",
    numbers=EXPLICIT,
    write=write_explicit,
)
