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

    The calibrator and the quantizer are those that `TFLiteConverter.convert` calls on its own float model. Called
    directly, they quantize any float TFLite model, even without its TensorFlow graph.

    Raises:
        InputError: TensorFlow rejects the model, or options are set that it does not support.
    """
    if source.scheme != DEFAULT_SCHEME:
        raise InputError(
            f"--method converter supports the scheme {DEFAULT_SCHEME} only: for {source.scheme} use another method, "
            f"such as {DEFAULT_METHOD}"
        )
    if source.floating or source.ranges is not None or source.estimator != DEFAULT_ESTIMATOR:
        raise InputError(
            "--method converter chooses ranges and operators itself: for --ranges, --estimator and --float use another "
            f"method, such as {DEFAULT_METHOD}"
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
