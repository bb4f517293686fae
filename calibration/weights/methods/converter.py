"""TFLiteConverter's full-integer quantization: global min and max of each activation, weights per channel."""

from __future__ import annotations

from detlite.calibration.models import DEFAULT_ESTIMATOR, FloatModel, QuantizedModel
from detlite.calibration.numbers.scheme import DEFAULT_SCHEME
from detlite.calibration.weights.method import DEFAULT_METHOD, Method
from detlite.convert.tensorflow import load_tensorflow
from detlite.convert.tflite.open_file import TfliteFile
from detlite.runtime.errors import InputError


def quantize(source: FloatModel) -> QuantizedModel:
    """Return the int8 model.

    The calibrator and the quantizer are those that `TFLiteConverter.convert` calls on its own float model; called on
    a finished one they quantize whatever float TFLite there is, also without its TensorFlow graph.

    Raises:
        InputError: TensorFlow refuses the model, or it is to choose ranges or to leave operators float.
    """
    if source.scheme != DEFAULT_SCHEME:
        raise InputError(
            f"TensorFlow's converter is used for the scheme {DEFAULT_SCHEME} alone: for {source.scheme} take another "
            f"method, {DEFAULT_METHOD} say"
        )
    if source.floating or source.ranges is not None or source.estimator != DEFAULT_ESTIMATOR:
        raise InputError(
            "TensorFlow's converter chooses ranges and operators itself: --ranges, --estimator and --float want "
            f"another method, {DEFAULT_METHOD} say"
        )
    tf = load_tensorflow()
    from tensorflow.lite.python.convert import mlir_quantize
    from tensorflow.lite.python.optimize.calibrator import Calibrator

    try:
        calibrated = Calibrator(source.file.data).calibrate(lambda: ([sample] for sample in source.samples()))
        quantized: bytes = mlir_quantize(
            calibrated,
            fully_quantize=True,
            input_data_type=tf.int8,
            output_data_type=tf.int8,
        )
    except (ValueError, RuntimeError) as error:
        raise InputError(f"TensorFlow cannot quantize the model: {str(error).splitlines()[0]}") from error
    return QuantizedModel(
        TfliteFile(quantized, "the quantized model"), source.image, facts={"tensorflow": str(tf.__version__)}
    )


PLUGIN = Method(
    title="min-max calibration, per-channel int8 weights",
    source="Jacob et al., Quantization and Training of Neural Networks, CVPR 2018; TensorFlow's own quantizer",
    whole=quantize,
)
