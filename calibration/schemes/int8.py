"""int8 weights and activations: the scheme that every accelerator takes, and the one that methods repair."""

from detlite.calibration.scheme import Scheme

PLUGIN = Scheme(
    title="int8 weights per channel, int8 activations with a zero point, int32 biases; wants images",
    source="TensorFlow Lite 8-bit quantization specification",
)
