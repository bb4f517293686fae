"""Run a finished model on images and videos in a process of its own, and return what it finds."""

from __future__ import annotations

import tempfile
from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from detlite.runtime.artifact import Artifact
from detlite.runtime.child import Child
from detlite.runtime.errors import InputError
from detlite.runtime.progress import Progress, silent
from detlite.runtime.records import to_record
from detlite.runtime.strict_json import parse_json
from detlite.studies.detect.inputs import Input
from detlite.studies.detect.request import EACH_FRAME, DetectRequest, VideoOptions
from detlite.studies.detect.results import DetectRun, ResultFile, Unread, VideoResult

DEFAULT_THRESHOLD = 0.3
"""Lowest score that is drawn and listed, unless another is asked for."""

TASK = "detlite.studies.detect.child_calls:detect_inputs"
IMAGE = b'{"image"'
"""What the line of an image or a frame begins with."""


def detect_in(
    artifact: Artifact,
    inputs: Sequence[Input],
    *,
    threads: int = 1,
    threshold: float = DEFAULT_THRESHOLD,
    masks: bool = False,
    video: VideoOptions = EACH_FRAME,
    progress: Progress = silent,
) -> DetectRun:
    """Return what *artifact* finds in *inputs*, and write the pictures that they name.

    Inputs that cannot be read are listed in the result; the others are done.

    Args:
        artifact: the model.
        inputs: from `inputs_in`, and `with_pictures` where pictures are wanted.
        threads: of the interpreter.
        threshold: lowest score that is drawn, 0..1; the result holds everything that the model returns.
        masks: whether the pixels of instances are in the result.
        video: how videos are read.
        progress: told of images and of frames.

    Raises:
        InputError: none of the inputs can be read, or the model does not match its contract.
        DeviceError: the interpreter crashed.
        MissingToolError: a video is given, and PyAV is not installed.
    """
    with tempfile.TemporaryDirectory() as scratch, _without_unfinished(inputs), Child(TASK) as child:
        out = Path(scratch) / "results.jsonl"
        request = DetectRequest(
            artifact.model,
            artifact.contract.to_json(),
            tuple(inputs),
            threads,
            threshold,
            masks,
            out,
            artifact.bank,
            video,
        )
        answer = child.answer(to_record(request), progress=progress)
        images, videos, unread = _results(out)
    run = DetectRun(
        model=str(artifact.model),
        labels=artifact.contract.labels,
        runtime=answer["runtime"],
        upright=all(one.upright for one in inputs),
        images=images,
        unread=unread,
        videos=videos,
    )
    if not run.images:
        more = f", and {len(run.unread) - 1} more" if len(run.unread) > 1 else ""
        raise InputError(f"no input could be read: {run.unread[0].error}{more}")
    return run


@contextmanager
def _without_unfinished(inputs: Sequence[Input]) -> Iterator[None]:
    """Remove what is left of drawn videos at the end: the child has no time to if it is stopped."""
    try:
        yield
    finally:
        for one in inputs:
            if one.unfinished is not None:
                one.unfinished.unlink(missing_ok=True)


def _results(path: Path) -> tuple[ResultFile, tuple[VideoResult, ...], tuple[Unread, ...]]:
    """Return what the lines of the file *path* hold, which may be removed; one is in memory at a time."""
    places, videos, unread = array("Q"), list[VideoResult](), list[Unread]()
    file = path.open("rb")
    place = 0
    for line in file:
        if not line.startswith(IMAGE):
            videos.append(VideoResult.from_record(parse_json(line)))
        elif "error" in (record := parse_json(line)):
            unread.append(Unread(record["image"], record["error"]))
        else:
            places.append(place)
        place += len(line)
    return ResultFile(file, places), tuple(videos), tuple(unread)
