"""The public library: what `import detlite` hands on.

Each function does what the command of the same name does. Models are held in memory and saved when asked; work that
needs TensorFlow, and everything that runs an interpreter but a `Session`, happens in a process of its own. All errors
that a caller can cause or cure are `DetliteError`s. `progress` is called as `progress(what, done, total)`; *total* is 0
where it is not known.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from detlite.accuracy.dataset import DatasetFiles as DatasetFiles
from detlite.accuracy.images import Images as Images
from detlite.accuracy.images import images_in
from detlite.calibration.models import DEFAULT_ESTIMATOR
from detlite.calibration.numbers.scheme import DEFAULT_SCHEME
from detlite.calibration.weights.method import DEFAULT_METHOD
from detlite.convert.artifact import open_artifact
from detlite.convert.find_source import locate
from detlite.convert.model import Model as Model
from detlite.convert.model import model_of, session_of
from detlite.convert.source import ARTIFACT, TFLITE, recognize
from detlite.convert.targets.edgetpu.predict import Prediction as Prediction
from detlite.convert.targets.edgetpu.predict import predict
from detlite.devices.inventory import Device as Device
from detlite.devices.inventory import read_inventory
from detlite.runtime.artifact import Artifact as Artifact
from detlite.runtime.artifact import artifact_folder, read_artifact
from detlite.runtime.child import run_in_child
from detlite.runtime.errors import ContractError as ContractError
from detlite.runtime.errors import DetliteError as DetliteError
from detlite.runtime.errors import DeviceError as DeviceError
from detlite.runtime.errors import FindingError as FindingError
from detlite.runtime.errors import InputError as InputError
from detlite.runtime.errors import MissingToolError as MissingToolError
from detlite.runtime.errors import UnknownNameError as UnknownNameError
from detlite.runtime.measure.options import setup_of
from detlite.runtime.measure.results import Measurement as Measurement
from detlite.runtime.measure.run import measure_model
from detlite.runtime.model_file import model_in
from detlite.runtime.progress import Progress as Progress
from detlite.runtime.progress import silent
from detlite.runtime.session import Session as Session
from detlite.runtime.task import Found as Found
from detlite.studies.compare.file_comparison import CompareOptions, Comparison, read_side
from detlite.studies.compare.file_comparison import compare as compare_files
from detlite.studies.detect.detect import DEFAULT_THRESHOLD, detect_in
from detlite.studies.detect.inputs import inputs_in, with_pictures
from detlite.studies.detect.results import DetectRun as DetectRun
from detlite.studies.detect.results import ImageResult as ImageResult

ModelComparison = Comparison
"""Of two models; two runs have another."""

AnyPath = str | Path
AnyModel = Model | Artifact | AnyPath
"""A model in memory, an artifact, or the path of a folder that detlite wrote or of a .tflite with its op."""

AnyImages = Images | AnyPath | Sequence[AnyPath]


def read(
    path: AnyPath,
    *,
    labels: AnyPath | None = None,
    input_size: tuple[int, int] | None = None,
    weights: str = "float32",
    heads: str | None = None,
    progress: Progress = silent,
) -> Model:
    """Return the model at *path*: a trained one converted to TFLite, a finished one as it is.

    Args:
        path: a frozen graph, SavedModel, TF.js model, zoo archive, folder with a `pipeline.config` and a checkpoint,
            artifact or .tflite; or the name of a model that `detlite zoo fetch` brought.
        labels: a label map (.pbtxt) or a list of class names, where the model has none.
        input_size: (height, width) in pixels, for a graph that takes any.
        weights: `float32`, `float16`, `dynamic`, or `int8` for a quantization-aware checkpoint; of trained models.
        heads: `raw` or `postprocess`; None: raw of a trained model, and as it is of a finished one.
        progress: told of each step.

    Raises:
        InputError: there is no such file, or nothing that detlite can read.
        MissingToolError: TensorFlow is needed and not installed.

    Example:
        >>> model = detlite.read("ssd_mobilenet_v2_coco_2018_03_29.tar.gz")
        >>> model.contract.image.height, len(model.contract.labels)
        (300, 90)
    """
    from detlite.convert.detector import DetectorOptions
    from detlite.convert.load import load_source, with_heads

    found = locate(str(path))
    source = recognize(artifact_folder(found) or found)
    options = DetectorOptions(input_size=input_size, labels=None if labels is None else Path(labels))
    if source.format not in (ARTIFACT, TFLITE):
        return _converted(source.path, options.labels, input_size, heads or "raw", weights, progress)
    if weights != "float32":
        raise InputError(f"{path} is a finished model: weights={weights!r} needs the trained graph")
    plain = source.format == ARTIFACT and labels is None and input_size is None
    model = model_of(read_artifact(source.path)) if plain else load_source(source.path, options)
    return model if heads is None else with_heads(model, heads)


def _converted(
    path: Path, labels: Path | None, input_size: tuple[int, int] | None, heads: str, weights: str, progress: Progress
) -> Model:
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch) / "model"
        options = {"labels": labels and str(labels.absolute()), "input_size": input_size}
        request: dict[str, Any] = {"source": str(path.absolute()), "way": None, "options": options, "out": str(out)}
        request |= {"heads": heads, "type": weights, "force": False}
        run_in_child("detlite.convert.child_calls:convert", request, progress=progress)
        return model_of(read_artifact(out))


def images(path: AnyPath, *, count: int | None = None, seed: int = 0) -> Images:
    """Return the images in a folder and its sub-folders, sorted by path, or those that a text file lists.

    Args:
        path: the folder, or a file with one path a line.
        count: how many to choose; None for all.
        seed: of the choice.

    Raises:
        InputError: there are none, or a listed one is missing.

    Example:
        >>> few = detlite.images("photos/", count=100)
        >>> len(few.paths)
        100
    """
    found = images_in(Path(path))
    return found if count is None else found.choose(count, seed)


def dataset(name: str, *paths: AnyPath, limit: int | None = None, **further: AnyPath) -> DatasetFiles:
    """Return a data set on this machine, to score models with; its labels are read when they are used.

    Args:
        name: its format: `coco`, `voc`, `open_images` ..., a file's name in `accuracy/datasets/`.
        paths: what the format takes, in order: for `coco` the folder of the images and the annotations.
        limit: how many images are used, the first ones; None for all.
        further: more options of the format, as in `detlite evaluate --help` with _ for -: `split="val"` for `voc`.

    Raises:
        UnknownNameError: there is no such format.
        InputError: other paths or options are given than the format takes.

    Example:
        >>> detlite.dataset("coco", "val2017/", "instances_val2017.json", limit=500).name
        'coco'
    """
    options = {key.replace("_", "-"): str(value) for key, value in further.items()}
    return DatasetFiles(name, tuple(map(Path, paths)), options, limit)


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
    progress: Progress = silent,
) -> Model:
    """Return *model* quantized, calibrated with *images* like those that it will see.

    Args:
        model: a float32 one.
        images: some 100 images, or their folder or list; None for the schemes `float16` and `dynamic`, which take none.
        scheme: how numbers are stored: `int8`, `int16x8`, `int8-float-bias`, `float16` or `dynamic`.
        method: how weights and biases are quantized; see `detlite quantize --help`.
        estimator: how the ranges of activations are chosen.
        io: dtype of the input and of raw heads: `int8`, `uint8` or `float32`; None for that of the scheme.
        heads: `raw` or `postprocess`; None for those of *model*.
        floating: operators that stay float, by type (`CONV_2D`) or by name.
        progress: told of the images and of the steps.

    Raises:
        InputError: the model is quantized already, images are missing or damaged, or two options contradict.
        UnknownNameError: there is no such scheme, method, estimator or operator.
        FindingError: nothing could be quantized.

    Example:
        >>> int8 = detlite.quantize(model, "photos/")
        >>> int8.save("out/int8")
    """
    chosen = images if isinstance(images, Images) else Images((), "") if images is None else images_in(Path(images))
    with _on_disk(model) as artifact, tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch) / "model"
        recipe = {"scheme": scheme, "method": method, "estimator": estimator, "io": io, "heads": heads}
        request: dict[str, Any] = {
            "source": str(_source_of(artifact)),
            "out": str(out),
            "force": False,
            "options": {},
            "images": [str(path.absolute()) for path in chosen.paths],
            "images_origin": chosen.origin,
            "recipe": {**recipe, "floating": list(floating)},
        }
        run_in_child("detlite.calibration.child_calls:quantize_source", request, progress=progress)
        return model_of(read_artifact(out))


def session(model: AnyModel, *, threads: int = 1) -> Session:
    """Return *model* open in this process: `run(image)` gives what it finds.

    Several interpreters in one process can clash: use `detect` to run models of different back ends.

    Args:
        model: what to open.
        threads: of the interpreter.

    Raises:
        InputError: the interpreter cannot open it.
        ContractError: the file does not match its contract.
        MissingToolError: no interpreter is installed.

    Example:
        >>> opened = detlite.session("out/int8")
        >>> image = np.zeros((480, 640, 3), np.uint8)  # uint8 (height, width, 3), RGB
        >>> for found in opened.run(image).above(0.3):
        ...     print(found.label, found.score, found.box)  # (y1, x1, y2, x2), 0..1 of the image
    """
    if isinstance(model, Model):
        return session_of(model, threads=threads)
    return Session(model if isinstance(model, Artifact) else open_artifact(Path(model)), threads=threads)


def measure(
    model: AnyModel,
    *,
    scenario: str = "single-stream",
    preset: str = "quick",
    images: Images | AnyPath | None = None,
    threads: int = 1,
    backend: str | None = None,
    out: AnyPath | None = None,
    progress: Progress = silent,
) -> Measurement:
    """Return how fast *model* is on this machine, measured by a scenario of MLPerf v1.0 in several processes.

    Args:
        model: what to measure.
        scenario: `single-stream`, `multi-stream`, `server` or `offline`.
        preset: the rules: `quick`, `standard`, `mlperf-v1.0-ssd-mobilenet` or `mlperf-v1.0-ssd-resnet34`.
        images: what it runs on; None for random noise.
        threads: of the interpreter.
        backend: what runs it, such as `litert` or `onnx_runtime`; None: by the file.
        out: a new folder that keeps every sample; None keeps none.
        progress: told of queries.

    Returns:
        `latency` of whole queries and `invoke` of the interpreter alone, both in ms; `reasons` why it is INVALID, empty
        where it is VALID.

    Raises:
        InputError: a name is unknown, or *out* exists.
        DeviceError: the interpreter crashed.
        MissingToolError: the back end is not installed.

    Example:
        >>> detlite.measure("out/int8", images="photos/", threads=4).latency.p90_ms
        12.5
    """
    values = {"scenario": scenario, "preset": preset, "threads": threads, "backend": backend}
    with _on_disk(model) as artifact:
        setup = setup_of(artifact.model, artifact.contract, values, images=_paths(images))
        found = measure_model(setup, run=None if out is None else Path(out), progress=progress)
    if found.failure is not None:
        raise DeviceError(found.failure.text)
    return found


def detect(
    model: AnyModel,
    images: AnyImages,
    *,
    draw: AnyPath | None = None,
    score_threshold: float = DEFAULT_THRESHOLD,
    threads: int = 1,
    force: bool = False,
    progress: Progress = silent,
) -> DetectRun:
    """Return what *model* finds in *images*: images, folders, lists (.txt) and videos.

    Args:
        model: what to run.
        images: one path or several, or `Images`.
        draw: a folder for pictures of what is found, or a file for one; None draws nothing.
        score_threshold: lowest score that is drawn, 0..1. The result holds all; see `ImageResult.above`.
        threads: of the interpreter.
        force: replace pictures that exist.
        progress: told of images and frames.

    Returns:
        One `ImageResult` for each image or frame, boxes as (y1, x1, y2, x2), 0..1 of the image; what could not be read
        is in `unread`.

    Raises:
        InputError: nothing could be read, or a picture exists.
        DeviceError: the interpreter crashed.

    Example:
        >>> run = detlite.detect("out/int8", "photos/", draw="drawn/")
        >>> [found.label for found in run.images[0].above(0.5)]
        ['cat', 'dog']
    """
    given = images.paths if isinstance(images, Images) else (images,) if isinstance(images, str | Path) else images
    inputs = inputs_in([Path(path) for path in given])
    if draw is not None:
        inputs = with_pictures(inputs, Path(draw), force=force)
    with _on_disk(model) as artifact:
        return detect_in(artifact, inputs, threads=threads, threshold=score_threshold, progress=progress)


def compare(
    a: AnyModel,
    b: AnyModel,
    *,
    images: Images | AnyPath | None = None,
    tolerance: float | None = None,
    progress: Progress = silent,
) -> ModelComparison:
    """Return whether two models agree: contracts, outputs on the same images, and operators.

    Args:
        a: the reference.
        b: the other.
        images: what both run on; None for images made with a seed.
        tolerance: the largest allowed difference of an output, in real (dequantized) units; None: by what the two are.
        progress: told of the images.

    Returns:
        `findings`, a sentence for each thing that does not agree; empty where the models agree.

    Raises:
        InputError: one is no finished model, or nothing compares the two.

    Example:
        >>> detlite.compare("out/float", "out/int8", images="photos/", tolerance=0.2).findings
        ()
    """
    options = CompareOptions(tolerance, _paths(images))
    with _path_of(a) as first, _path_of(b) as second:
        return compare_files(read_side(first), read_side(second), options, progress=progress)


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


def list_devices(inventory: AnyPath | None = None) -> tuple[Device, ...]:
    """Return this machine, called `host`, and the devices of the inventory; none of them is contacted.

    Args:
        inventory: its file; None for `$DETLITE_DEVICES`, else `~/.config/detlite/devices.toml`.

    Raises:
        InputError: the file is damaged, or names a kind or a setting that there is not.

    Example:
        >>> [device.name for device in detlite.list_devices("lab.toml")]
        ['host', 'pixel8', 'orin']
    """
    return tuple(read_inventory(None if inventory is None else Path(inventory)).devices.values())


def _paths(images: Images | AnyPath | None) -> tuple[Path, ...]:
    if images is None:
        return ()
    return images.paths if isinstance(images, Images) else images_in(Path(images)).paths


@contextmanager
def _path_of(model: AnyModel) -> Iterator[Path]:
    """Give the path of *model*; one in memory is in a temporary folder until the `with` ends."""
    if isinstance(model, Model | Artifact):
        with _on_disk(model) as artifact:
            yield _source_of(artifact)
    else:
        yield Path(model)


@contextmanager
def _on_disk(model: AnyModel) -> Iterator[Artifact]:
    """Give *model* as an artifact; one in memory is in a temporary folder until the `with` ends."""
    if isinstance(model, Artifact):
        yield model
    elif isinstance(model, Model):
        with tempfile.TemporaryDirectory() as scratch:
            yield model.save(Path(scratch) / "model")
    else:
        yield open_artifact(Path(model))


def _source_of(artifact: Artifact) -> Path:
    """Return the path that opens *artifact*: its folder, or a bare model file."""
    folder = artifact.model.absolute().parent
    return folder if artifact.history else artifact.model.absolute()
