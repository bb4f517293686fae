"""MLPerf's accuracy run: every image once, by the same code as the performance run, its detections kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, Iterator

from detlite.runtime.artifact import Artifact
from detlite.runtime.backend import BACKENDS, Backend, Settings
from detlite.runtime.contract import contract_from_json
from detlite.runtime.images import read_image
from detlite.runtime.loadgen_log import ACCURACY, accuracy_entry, write_accuracy
from detlite.runtime.plugins import load_plugin
from detlite.runtime.progress import Progress
from detlite.runtime.session import Session

Record = Dict[str, Any]

FIRST_CLASS = 1
"""What MLPerf's accuracy-coco.py takes the first class of a model to be: COCO's category 1."""


def accuracy_process(request: Record, progress: Progress) -> Record:
    """Detect in every image of *request*, a record of `Setup.request`, and write the log to its `folder`."""
    backend: Backend = load_plugin(BACKENDS, request["backend"])
    assert backend.open is not None
    model, contract = Path(request["model"]), contract_from_json(request["contract"])
    settings = Settings(request["threads"], request["xnnpack"], tuple(request["delegates"]))
    artifact = Artifact(model, contract)
    session = Session(artifact, threads=settings.threads, runner=backend.open(model, settings, contract))
    images = request["images"]

    def entries() -> Iterator[Record]:
        for index, name in enumerate(images):
            yield accuracy_entry(index, index, session.detect(read_image(Path(name))), first_class=FIRST_CLASS)
            progress("accuracy", index + 1, len(images))

    write_accuracy(Path(request["folder"]) / ACCURACY, entries())
    return {}
