"""Models: read, exported, quantized, compared, and predicted for an accelerator."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from detlite.accuracy.images import Images
from detlite.calibration.apart import quantize_apart
from detlite.calibration.models import DEFAULT_ESTIMATOR
from detlite.calibration.numbers.box_codes import AUTO
from detlite.calibration.numbers.scheme import DEFAULT_SCHEME
from detlite.calibration.ranges.ranges import RANGES
from detlite.calibration.recipe import QuantizeRequest, Recipe
from detlite.calibration.weights.method import DEFAULT_METHOD
from detlite.convert.apart import convert
from detlite.convert.apart import export as export_apart
from detlite.convert.exporter import exporter_called
from detlite.convert.find_source import locate
from detlite.convert.load import load_source, with_heads
from detlite.convert.model import Model, model_of
from detlite.convert.options import DetectorOptions
from detlite.convert.requests import ConvertRequest, ExportRequest, Given
from detlite.convert.source import ARTIFACT, TFLITE, recognize
from detlite.convert.targets.edgetpu.predict import Prediction, predict
from detlite.library.arguments import AnyModel, AnyPath, images_of, on_disk, path_of, source_of, videos_of
from detlite.runtime.artifact import Artifact, artifact_folder, read_artifact
from detlite.runtime.errors import InputError
from detlite.runtime.model_file import model_in
from detlite.runtime.progress import Progress, silent


def read(
    path: AnyPath | None = None,
    *,
    config: AnyPath | None = None,
    checkpoint: AnyPath | None = None,
    labels: AnyPath | None = None,
    input_size: tuple[int, int] | None = None,
    weights: str = "float32",
    heads: str | None = None,
    progress: Progress = silent,
) -> Model:
    """Return the model at *path*, or of *config* and *checkpoint*: a trained one as TFLite, a finished one as it is.

    Args:
        path: a frozen graph, SavedModel, TF.js model, zoo archive, folder with a `pipeline.config` and a checkpoint,
            artifact or .tflite; or the name of a model that `detlite zoo fetch` brought.
        config: instead of *path*: a `pipeline.config` of the TF Object Detection API.
        checkpoint: the prefix of its weights, such as `model.ckpt-50000`.
        labels: a label map (.pbtxt) or a list of class names, where the model has none.
        input_size: (height, width) in pixels, for a graph that takes any.
        weights: `float32`, `float16`, `dynamic`, or `int8` for a quantization-aware checkpoint or frozen
            graph; of trained models.
        heads: `raw` or `postprocess`; None: raw of a trained model, and as it is of a finished one.
        progress: told of each step.

    Raises:
        InputError: a file does not exist, detlite cannot read it, or not exactly one model is named.
        MissingToolError: TensorFlow is needed and not installed.

    Example:
        >>> model = detlite.read("ssd_mobilenet_v2_coco_2018_03_29.tar.gz")
        >>> model.contract.image.height, len(model.contract.labels)
        (300, 90)
        >>> own = detlite.read(config="pipeline.config", checkpoint="model.ckpt-50000", labels="map.pbtxt")
    """
    options = DetectorOptions(input_size=input_size, labels=None if labels is None else Path(labels).absolute())
    if path is None or config is not None or checkpoint is not None:
        return _converted(_trained(path, config, checkpoint), options, heads or "raw", weights, progress)
    found = locate(str(path), notice=warnings.warn)
    source = recognize(artifact_folder(found) or found)
    if source.format not in (ARTIFACT, TFLITE):
        return _converted(Given(source.path.absolute()), options, heads or "raw", weights, progress)
    if weights != "float32":
        raise InputError(f"{path} is a finished model: weights={weights!r} needs the trained graph")
    plain = source.format == ARTIFACT and labels is None and input_size is None
    model = model_of(read_artifact(source.path)) if plain else load_source(source.path, options)
    return model if heads is None else with_heads(model, heads)


def _trained(path: AnyPath | None, config: AnyPath | None, checkpoint: AnyPath | None) -> Given:
    if path is not None or config is None or checkpoint is None:
        raise InputError("give either a path, or config and checkpoint: what to build, and its weights")
    if not Path(config).is_file():
        raise InputError(f"config {config} is not a file: give a pipeline.config")
    return Given(config=Path(config).absolute(), checkpoint=Path(checkpoint).absolute())


def _converted(given: Given, options: DetectorOptions, heads: str, weights: str, progress: Progress) -> Model:
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch) / "model"
        convert(ConvertRequest(given, out, options, heads, weights), progress=progress)
        return model_of(read_artifact(out))


def export(model: AnyModel, to: str, *, progress: Progress = silent, **options: str | int) -> Model:
    """Return *model*, a finished TFLite one, in another format; its contract describes the new file.

    Args:
        model: what to export.
        to: a file's name in `convert/exporters/`: see `detlite export --help`.
        progress: told of the steps.
        options: of the format, as `detlite export --help` lists them: `opset=17`.

    Raises:
        UnknownNameError: there is no such format, or it has no such option.
        InputError: the model is in that format already, or has operators that the format lacks.
        MissingToolError: the packages that write the format are not installed.

    Example:
        >>> detlite.export("out/float", "onnx", opset=17).save("out/onnx")
    """
    exporter_called(to)
    with path_of(model) as path, tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch) / "model"
        export_apart(ExportRequest(path.absolute(), to, out, options=options), progress=progress)
        return model_of(read_artifact(out))


def quantize(
    model: AnyModel,
    images: Images | AnyPath | None = None,
    *,
    scheme: str = DEFAULT_SCHEME,
    method: str = DEFAULT_METHOD,
    estimator: str = DEFAULT_ESTIMATOR,
    io: str | None = None,
    heads: str | None = None,
    floating: Sequence[str] = (),
    box_codes: str = AUTO,
    progress: Progress = silent,
) -> Model:
    """Return *model* quantized, calibrated with *images* like those that it will see; its ranges are saved with it.

    Args:
        model: a float32 one.
        images: some 100 images, or their folder or list; a video, or a folder of videos, for a model of video; None for
            the schemes `float16` and `dynamic`, which take none.
        scheme: how numbers are stored: `int8`, `int16x8`, `int8-float-bias`, `float16` or `dynamic`.
        method: how weights and biases are quantized; see `detlite quantize --help`.
        estimator: how the ranges of activations are chosen.
        io: dtype of the input and of raw heads: `int8`, `uint8` or `float32`; None for that of the scheme.
        heads: `raw` or `postprocess`; None for those of *model*.
        floating: operators that stay float, by type (`CONV_2D`) or by name.
        box_codes: `rescaled` to the range of each column, with anchors and box coder to match, which the contract has;
            `as-trained`; or `auto`: rescaled where the model has its post-processing op.
        progress: told of the images and of the steps.

    Raises:
        InputError: the model is quantized already, images are missing or damaged, or two options contradict.
        UnknownNameError: there is no such scheme, method, estimator, operator or choice of box codes.
        FindingError: nothing could be quantized.

    Example:
        >>> int8 = detlite.quantize(model, "photos/")
        >>> int8.save("out/int8")
    """
    videos = None if images is None else videos_of(images)
    chosen = Images((), "") if images is None or videos is not None else images_of(images)
    with on_disk(model) as artifact, tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch) / "model"
        request = QuantizeRequest(
            source=source_of(artifact),
            out=out,
            images=tuple(path.absolute() for path in chosen.paths),
            images_origin=chosen.origin,
            images_upright=chosen.upright,
            recipe=Recipe(method, io, heads, estimator, tuple(floating), scheme, box_codes=box_codes),
            videos=videos,
        )
        quantize_apart(request, progress=progress)
        made = model_of(read_artifact(out))
        ranges = out / RANGES
        return replace(made, files={RANGES: ranges.read_text(encoding="utf-8")}) if ranges.is_file() else made


def predict_edgetpu(model: AnyModel, *, multiple_subgraphs: bool = False) -> Prediction:
    """Return what the Edge TPU compiler will do with *model*, operator by operator; the compiler is not needed.

    Args:
        model: a full-integer TFLite model, not compiled yet.
        multiple_subgraphs: whether the compiler may make more than one Edge TPU subgraph.

    Raises:
        InputError: the model is damaged, compiled already, or no TFLite model.

    Example:
        >>> prediction = detlite.predict_edgetpu("out/int8")
        >>> len(prediction.mapped), prediction.unmapped_count
        (64, 1)
    """
    if isinstance(model, Model):
        return predict(model.data, "the model", multiple_subgraphs=multiple_subgraphs)
    path = model.model if isinstance(model, Artifact) else Path(model)
    file = model_in(path) if path.is_dir() else path
    if file is None or not file.is_file():
        raise InputError(f"{path} holds no model: give a .tflite file, or a folder that detlite wrote")
    return predict(file.read_bytes(), str(file), multiple_subgraphs=multiple_subgraphs)
