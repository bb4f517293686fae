"""TFLiteConverter's full-integer quantization: global min and max of each activation, weights per channel."""

from __future__ import annotations

from detlite.calibration.method import Method, Samples
from detlite.convert.tensorflow import load_tensorflow
from detlite.runtime.errors import InputError


def quantize(model: bytes, samples: Samples) -> bytes:
    """Return the int8 model; see `Method.quantize`.

    The calibrator and the quantizer are those that `TFLiteConverter.convert` calls on its own float model; called on
    a finished one they quantize whatever float TFLite there is, also without its TensorFlow graph.

    Raises:
        InputError: TensorFlow refuses the model.
    """
    tf = load_tensorflow()
    from tensorflow.lite.python.convert import mlir_quantize
    from tensorflow.lite.python.optimize.calibrator import Calibrator

    try:
        calibrated = Calibrator(model).calibrate(lambda: ([sample] for sample in samples()))
        quantized: bytes = mlir_quantize(
            calibrated,
            fully_quantize=True,
            input_data_type=tf.int8,
            output_data_type=tf.int8,
        )
    except (ValueError, RuntimeError) as error:
        raise InputError(f"TensorFlow cannot quantize the model: {str(error).splitlines()[0]}") from error
    return quantized


PLUGIN = Method(
    title="min-max calibration, per-channel int8 weights",
    source="Jacob et al., Quantization and Training of Neural Networks, CVPR 2018; TensorFlow's own quantizer",
    quantize=quantize,
)
