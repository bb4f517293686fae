"""Run a finished model on images and videos in a process of its own, and return what it finds."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from detlite.runtime.artifact import Artifact
from detlite.runtime.child import Child
from detlite.runtime.errors import InputError
from detlite.runtime.progress import Progress, silent
from detlite.runtime.records import to_record
from detlite.runtime.strict_json import parse_json
from detlite.studies.detect.inputs import Input
from detlite.studies.detect.request import DetectRequest
from detlite.studies.detect.results import DetectRun, ImageResult, Unread

DEFAULT_THRESHOLD = 0.3
"""Lowest score that is drawn and listed, unless another is asked for."""

TASK = "detlite.studies.detect.child_calls:detect_inputs"


def detect_in(
    artifact: Artifact,
    inputs: Sequence[Input],
    *,
    threads: int = 1,
    threshold: float = DEFAULT_THRESHOLD,
    masks: bool = False,
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
        progress: told of images and of frames.

    Raises:
        InputError: none of the inputs can be read, or the model does not match its contract.
        DeviceError: the interpreter crashed.
        MissingToolError: a video is given, and PyAV is not installed.
    """
    with tempfile.TemporaryDirectory() as scratch, Child(TASK) as child:
        out = Path(scratch) / "results.jsonl"
        request = DetectRequest(
            artifact.model, artifact.contract.to_json(), tuple(inputs), threads, threshold, masks, out, artifact.bank
        )
        answer = child.answer(to_record(request), progress=progress)
        records = [parse_json(line) for line in out.read_text(encoding="utf-8").splitlines()]
    run = DetectRun(
        model=str(artifact.model),
        labels=artifact.contract.labels,
        runtime=answer["runtime"],
        upright=all(one.upright for one in inputs),
        images=tuple(ImageResult.from_record(record) for record in records if "error" not in record),
        unread=tuple(Unread(record["image"], record["error"]) for record in records if "error" in record),
    )
    if not run.images:
        more = f", and {len(run.unread) - 1} more" if len(run.unread) > 1 else ""
        raise InputError(f"no input could be read: {run.unread[0].error}{more}")
    return run
