"""Models run: image by image, over many images, and against the clock."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from detlite.accuracy.dataset import DatasetFiles
from detlite.accuracy.evaluation import (
    EvaluationOptions,
    Scoring,
    evaluate_agreement,
    evaluate_by_labels,
    require_trained,
)
from detlite.accuracy.hosts import ThisMachine
from detlite.accuracy.images import Images
from detlite.accuracy.results import Accuracy, Agreement
from detlite.accuracy.views import Views
from detlite.convert.artifact import open_artifact
from detlite.convert.model import Model, session_of
from detlite.library.arguments import AnyImages, AnyModel, AnyPath, images_or_videos, on_disk
from detlite.runtime.artifact import Artifact
from detlite.runtime.progress import Progress, silent
from detlite.runtime.session import Session
from detlite.studies.detect.detect import DEFAULT_THRESHOLD, detect_in
from detlite.studies.detect.inputs import inputs_in, with_pictures
from detlite.studies.detect.request import VideoOptions
from detlite.studies.detect.results import DetectRun


def session(model: AnyModel, *, threads: int = 1) -> Session:
    """Return *model* open in this process: `run(image)` gives what it finds, `step(frame)` what a stream shows so far.

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


def evaluate(
    model: AnyModel,
    data: DatasetFiles,
    *,
    metric: str | None = None,
    against: AnyModel | None = None,
    bootstrap: int = 0,
    known_classes: bool = False,
    clips: int = 1,
    crops: int = 1,
    threads: int = 1,
    progress: Progress = silent,
) -> Accuracy:
    """Return how well *model* does its task, scored by the labels of *data*.

    Args:
        model: what to score.
        data: images with labels, from `dataset`.
        metric: `coco`, `voc2007`, `top-k` ...; None: the usual one for the labels.
        against: a reference model, scored on the same images.
        bootstrap: how many draws of the images make the 95 % interval; 0 for no interval.
        known_classes: leave out annotated classes that the model does not have.
        clips: of each video, along its time; for a model of clips.
        crops: of each clip: 1, or 3 along the longer side.
        threads: of the interpreter.
        progress: told of the images.

    Returns:
        The numbers of the metric in percent, 0..100: `map` or `top1`; `headline` with its interval; each of `classes`;
        `reference` with the difference in points.

    Raises:
        InputError: the labels cannot be read or do not fit the model, or nobody trained it.
        UnknownNameError: there is no such metric.
        DeviceError: the interpreter crashed.

    Example:
        >>> detlite.evaluate("out/int8", detlite.dataset("coco", "val2017/", "instances_val2017.json")).map
        22.1
    """
    options = _options(threads, bootstrap, Views(clips, crops))
    scoring = Scoring(data, metric, known_classes)
    with ExitStack() as opened:
        artifact = require_trained(opened.enter_context(on_disk(model)))
        reference = None if against is None else require_trained(opened.enter_context(on_disk(against)))
        return evaluate_by_labels(artifact, scoring, options, reference=reference, progress=progress).result


def agreement(
    model: AnyModel,
    reference: AnyModel,
    images: Images | AnyPath,
    *,
    bootstrap: int = 0,
    clips: int = 1,
    crops: int = 1,
    threads: int = 1,
    progress: Progress = silent,
) -> Agreement:
    """Return how far *model* says what *reference* says about *images*, which need no labels.

    This is far more sensitive to quantization than a score by labels.

    Args:
        model: such as a quantized model.
        reference: such as the float model it was made from.
        images: those that both run on; for models of video a video, or a folder of videos.
        bootstrap: how many draws of the images make the 95 % interval; 0 for no interval.
        clips: of each video, along its time; for models of clips.
        crops: of each clip: 1, or 3 along the longer side.
        threads: of the interpreter.
        progress: told of the images.

    Returns:
        `fidelity.value` in percent, 0..100: the mAP, or the share of equal top-1 classes, with the reference as truth.

    Raises:
        InputError: the models have other tasks or classes, or the reference finds nothing.
        DeviceError: an interpreter crashed.

    Example:
        >>> detlite.agreement("out/int8", "out/float", "photos/").fidelity.value
        97.0
    """
    options = _options(threads, bootstrap, Views(clips, crops))
    with on_disk(model) as artifact, on_disk(reference) as other:
        return evaluate_agreement(
            require_trained(artifact), require_trained(other), images_or_videos(images), options, progress
        ).result


def _options(threads: int, draws: int, views: Views) -> EvaluationOptions:
    return EvaluationOptions(threads, draws, ThisMachine(views), ThisMachine(views))


def detect(
    model: AnyModel,
    images: AnyImages,
    *,
    draw: AnyPath | None = None,
    score_threshold: float = DEFAULT_THRESHOLD,
    threads: int = 1,
    force: bool = False,
    fps: float | None = None,
    scenes: bool = False,
    progress: Progress = silent,
) -> DetectRun:
    """Return what *model* finds in *images*: images, folders, lists (.txt) and videos.

    Args:
        model: what to run.
        images: one path or several, or `Images`. They are turned upright by their EXIF orientation.
        draw: a folder for pictures of what is found, or a file for one; None draws nothing.
        score_threshold: lowest score that is drawn, 0..1. The result holds all; see `ImageResult.above`.
        threads: of the interpreter.
        force: replace pictures that exist.
        fps: frames a second to take from videos, by their time stamps; None takes each frame once.
        scenes: begin a stream anew where a new scene of a video begins.
        progress: told of images and frames.

    Returns:
        One `ImageResult` for each image or frame, boxes as (y1, x1, y2, x2), 0..1 of the image; `videos` has what is
        said of each video at its end; what could not be read is in `unread`.

    Raises:
        InputError: nothing could be read, or a picture exists.
        DeviceError: the interpreter crashed.

    Example:
        >>> run = detlite.detect("out/int8", "photos/", draw="drawn/")
        >>> [found.label for found in run.images[0].above(0.5)]
        ['cat', 'dog']
    """
    given = images.paths if isinstance(images, Images) else (images,) if isinstance(images, str | Path) else images
    upright = images.upright if isinstance(images, Images) else True
    inputs = inputs_in([Path(path) for path in given], upright=upright)
    if draw is not None:
        inputs = with_pictures(inputs, Path(draw), force=force)
    with on_disk(model) as artifact:
        return detect_in(
            artifact,
            inputs,
            threads=threads,
            threshold=score_threshold,
            video=VideoOptions(fps, scenes),
            progress=progress,
        )
