"""Tasks with a model that run in a child process: requests and answers are JSON, arrays are .npz files.

What only one task needs is imported in its function, so that the process starts faster.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Dict, Mapping

import numpy as np
from numpy.typing import NDArray

from detlite.runtime.artifact import Artifact
from detlite.runtime.contract import contract_from_json
from detlite.runtime.errors import InputError
from detlite.runtime.image.read import read_image
from detlite.runtime.progress import Progress
from detlite.runtime.runners.opening import open_model
from detlite.runtime.session import Session
from detlite.runtime.stream import columns, detect_stream

Record = Dict[str, Any]


def _artifact(record: Record) -> Artifact:
    bank = record.get("bank")
    return Artifact(
        Path(record["model"]), contract_from_json(record["contract"]), bank=None if bank is None else Path(bank)
    )


def _session(record: Record, threads: int) -> Session:
    return Session(_artifact(record), threads=threads)


def _save(path: str, arrays: Mapping[str, NDArray[Any]]) -> None:
    np.savez(path, allow_pickle=False, **arrays)


def probe(request: Record, _progress: Progress) -> Record:
    """Open the file `model`, run it once on zeros, and return `runtime` and its `inputs` and `outputs`."""
    opened = open_model(Path(request["model"]))
    for detail in opened.inputs:
        opened.set_input(detail["index"], np.zeros(detail["shape"], detail["dtype"]))
    opened.invoke()
    tensors = {
        key: [
            {"name": d["name"], "shape": [int(s) for s in d["shape"]], "dtype": np.dtype(d["dtype"]).name}
            for d in details
        ]
        for key, details in (("inputs", opened.inputs), ("outputs", opened.outputs))
    }
    return {"runtime": opened.runtime, **tensors}


def probe_edgetpu(request: Record, _progress: Progress) -> Record:
    """Open the compiled file `model` on the Edge TPU `device` with `library`, and run it once on zeros.

    Returns:
        `runtime`.
    """
    from detlite.runtime.runners.edgetpu import open_edgetpu

    opened = open_edgetpu(Path(request["model"]), device=request["device"], library=request["library"])
    for detail in opened.inputs:
        opened.set_input(detail["index"], np.zeros(detail["shape"], detail["dtype"]))
    opened.invoke()
    return {"runtime": opened.runtime}


def detect(request: Record, progress: Progress) -> Record:
    """Run `model` with `contract` on the files `images`, and write the result columns to `out` (.npz).

    The images are turned `upright` by their EXIF orientation, or read as stored.

    Returns:
        `wall_s`, the time from opening the model to the last result; `runtime`.
    """
    if not request["images"]:
        raise InputError("no images to detect in")
    artifact, opened = _artifact(request), []

    def session() -> Session:
        opened.append(Session(artifact, threads=request["threads"]))
        return opened[0]

    begin = time.perf_counter()
    paths = [Path(path) for path in request["images"]]
    seen = list(detect_stream(artifact.contract, session, paths, upright=request["upright"], progress=progress))
    wall_s = time.perf_counter() - begin
    _save(request["out"], columns(seen))
    return {"wall_s": wall_s, "runtime": opened[0].runtime}


def heads(request: Record, _progress: Progress) -> Record:
    """Run `model` on the files `images` and write its raw heads, stacked by role, to `out` (.npz).

    A model that takes a batch gets as many of them as it takes in a run; one with states begins anew with each, or
    carries them from one to the next where these are `successive` frames.
    """
    session, paths = _session(request, request["threads"]), request["images"]
    rows = []
    for begin in range(0, len(paths), session.batch):
        images = [read_image(Path(path)) for path in paths[begin : begin + session.batch]]
        tensor = np.concatenate([session.preprocess(image) for image in images])
        if not request.get("successive"):
            session.reset()
        session.invoke(tensor, (images[0].shape[0], images[0].shape[1]))
        session.carry()
        raw = session.raw()
        rows += [session.real(raw, place) for place in range(len(images))]
    _save(request["out"], {role: np.stack([row[role] for row in rows]) for role in rows[0]})
    return {"runtime": session.runtime}
