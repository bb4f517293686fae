"""TFLiteConverter's full-integer quantization: global min and max of each activation, weights per channel.

TensorFlow 2.21's own Calibrator reads some activations after the interpreter has overwritten them in place, so it
records wrong ranges (SSDLite MobileNet V2: 10 of 115). The extremes are therefore those that detlite observes.
"""

from __future__ import annotations

from detlite.calibration.models import DEFAULT_ESTIMATOR, FloatModel, QuantizedModel
from detlite.calibration.network import Network
from detlite.calibration.numbers.scheme import DEFAULT_SCHEME
from detlite.calibration.ranges.observer import observe
from detlite.calibration.weights.method import DEFAULT_METHOD, Method
from detlite.convert.tensorflow import load_tensorflow
from detlite.convert.tflite.open_file import TfliteFile
from detlite.runtime.errors import InputError


def quantize(source: FloatModel) -> QuantizedModel:
    """Return the int8 model.

    The quantizer is the one that `TFLiteConverter.convert` calls on its own float model. Called directly, it quantizes
    any float TFLite model, even without its TensorFlow graph.

    Raises:
        InputError: TensorFlow rejects the model, there are no samples, or options are set that it does not support.
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
    if source.states:
        raise InputError(
            "--method converter rounds a state at every frame, so that its error grows: for a model with states use "
            f"another method, such as {DEFAULT_METHOD}"
        )
    tf = load_tensorflow()
    from tensorflow.lite.python.convert import mlir_quantize

    calibrated = with_extremes(source)
    try:
        quantized: bytes = mlir_quantize(
            calibrated.data,
            fully_quantize=True,
            input_data_type=tf.int8,
            output_data_type=tf.int8,
        )
    except (ValueError, RuntimeError) as error:
        raise InputError(f"TensorFlow cannot quantize the model: {str(error).splitlines()[0]}") from error
    return QuantizedModel(
        TfliteFile(quantized, "the quantized model"), source.image, facts={"tensorflow": str(tf.__version__)}
    )


def with_extremes(source: FloatModel) -> TfliteFile:
    """Return the float model with the lowest and the highest value of each activation over the samples written into it.

    Raises:
        InputError: there are no samples, or the model computes a value that is not finite.
    """
    from ai_edge_litert.schema_py_generated import QuantizationParametersT

    seen = observe(Network(source.file), source.samples)
    made = source.file.copy()
    made.edit()
    for index, lows in seen.lows.items():
        quantization = QuantizationParametersT()
        quantization.min, quantization.max = [float(lows.min())], [float(seen.highs[index].max())]
        made.subgraph.tensors[index].quantization = quantization
    return made


PLUGIN = Method(
    title="min-max calibration, per-channel int8 weights",
    source="Jacob et al., Quantization and Training of Neural Networks, CVPR 2018; TensorFlow's own quantizer",
    whole=quantize,
)
