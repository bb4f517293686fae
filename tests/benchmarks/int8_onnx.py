"""By hand: the fidelity of detlite's int8 .onnx beside onnxruntime's quantize_static and nvidia-modelopt.

python tests/benchmarks/int8_onnx.py FLOAT_ARTIFACT CALIBRATION VALIDATION [PYTHON]

All calibrate with the same 100 images and are compared with the float model on the same others, in ONNX Runtime.
PYTHON is that of an environment with nvidia-modelopt, which needs torch; without it there are no rows of modelopt.
"""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from detlite.accuracy.evaluation import EvaluationOptions, evaluate_agreement
from detlite.accuracy.images import Images, images_in
from detlite.calibration.quantize import quantize
from detlite.calibration.recipe import Recipe
from detlite.convert.artifact import open_artifact
from detlite.convert.exporter import export_model
from detlite.convert.model import Model, model_of
from detlite.runtime.image.preprocess import preprocess
from detlite.runtime.image.read import read_image

CALIBRATED, DRAWS = 100, 1000
MODELOPT = """
import sys
import numpy
from modelopt.onnx.quantization import quantize
source, data, target, kind = sys.argv[1:]
name, file = data.split("=", 1)
known = {name: numpy.load(file)}
quantize(source, quantize_mode="int8", calibration_data=known, calibration_method="max", output_path=target,
         high_precision_dtype=kind, calibration_eps=["cpu"])
"""


class Batches:
    """The tensors of the images, as onnxruntime's calibration reads them."""

    def __init__(self, name: str, tensors: np.ndarray) -> None:
        """Take the name of the input and the tensors, (images, height, width, 3)."""
        self._rest = iter([{name: tensor[None]} for tensor in tensors])

    def get_next(self) -> dict[str, np.ndarray] | None:
        """Return the next feed; None after the last."""
        return next(self._rest, None)

    def set_range(self, start_index: int, end_index: int) -> None:
        """Take all of them, whatever the range: there is one pass."""


def made(model: Model, images: Images, folder: Path, python: str | None) -> Iterator[tuple[str, Model]]:
    """Yield each quantized form of the float *model* with its name, as .onnx."""
    for scheme in ("int8", "int8-float-bias"):
        yield f"detlite, {scheme}", export_model(quantize(model, images, Recipe(scheme=scheme)).model, "onnx")
    plain = export_model(model, "onnx")
    source = folder / "float.onnx"
    source.write_bytes(plain.data)
    image = plain.contract.image
    tensors = np.concatenate([preprocess(read_image(path), image) for path in images.paths]).astype(np.float32)
    yield "onnxruntime, quantize_static", changed(plain, by_onnxruntime(source, image.name, tensors))
    if python is None:
        return
    np.save(folder / "images.npy", tensors)
    for kind in ("fp32", "fp16"):
        target = folder / f"modelopt_{kind}.onnx"
        command = [python, "-c", MODELOPT, str(source), f"{image.name}={folder / 'images.npy'}", str(target), kind]
        subprocess.run(command, check=True, capture_output=True)
        yield f"nvidia-modelopt, max, {kind}", changed(plain, target)


def by_onnxruntime(source: Path, name: str, tensors: np.ndarray) -> Path:
    """Quantize with uint8 activations and int8 weights per channel, by their extremes."""
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static

    target = source.with_name("quantize_static.onnx")
    quantize_static(
        str(source),
        str(target),
        Batches(name, tensors),
        quant_format=QuantFormat.QDQ,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        per_channel=True,
        calibrate_method=CalibrationMethod.MinMax,
    )
    return target


def changed(plain: Model, path: Path) -> Model:
    """Return the file at *path* with the contract of the float model."""
    return Model(path.read_bytes(), "onnx", plain.contract, plain.history)


def main(float_model: str, calibration: str, validation: str, python: str | None = None) -> None:
    """Print the fidelity of each form with its 95 % interval."""
    artifact = open_artifact(Path(float_model))
    images, others = images_in(Path(calibration)).choose(CALIBRATED, 0), images_in(Path(validation))
    print(f"calibrated with {len(images.paths)} images, compared on {len(others.paths)}")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for number, (name, model) in enumerate(made(model_of(artifact), images, folder, python)):
            found = evaluate_agreement(
                model.save(folder / str(number)), artifact, others, EvaluationOptions(draws=DRAWS)
            )
            fidelity = found.result.fidelity
            low, high = (fidelity.interval.low, fidelity.interval.high) if fidelity.interval else (0.0, 100.0)
            print(
                f"{name} | {fidelity.value:.1f} | {low:.1f} to {high:.1f} | {len(model.data) / 1e6:.1f} MB", flush=True
            )


if __name__ == "__main__":
    main(*sys.argv[1:])
