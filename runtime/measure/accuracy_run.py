"""MLPerf's accuracy run: every image once, with the performance run's code; each result is saved at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, Iterator, Sequence

from detlite.runtime.artifact import Artifact
from detlite.runtime.contract import Contract, contract_from_json
from detlite.runtime.errors import DeviceError, InputError
from detlite.runtime.hashing import sha256_of
from detlite.runtime.measure.loadgen_log import ACCURACY, accuracy_entry, write_accuracy
from detlite.runtime.measure.run_folder import DETECTIONS, Appender
from detlite.runtime.plugins import load_plugin
from detlite.runtime.progress import Progress
from detlite.runtime.result_lines import image_line, model_line
from detlite.runtime.runners.backend import BACKENDS, Backend, Settings
from detlite.runtime.session import Session
from detlite.runtime.stream import detect_stream
from detlite.runtime.strict_json import parse_json
from detlite.runtime.task import task_kind

Record = Dict[str, Any]


def accuracy_process(request: Record, progress: Progress) -> Record:
    """Run every image of *request*, a record of `Setup.request`, and write the lines and the log to its `folder`.

    Images are read as stored: MLPerf scores by labels of the stored pixels. Those that an earlier call finished with
    the same model and runtime are skipped. The log is empty for results that MLPerf's accuracy scripts do not read.
    """
    backend: Backend = load_plugin(BACKENDS, request["backend"])
    assert backend.open is not None
    model, contract = Path(request["model"]), contract_from_json(request["contract"])
    settings = Settings(request["threads"], request["xnnpack"], tuple(request["delegates"]))
    runner = backend.open(model, settings, contract)
    session = Session(Artifact(model, contract), threads=settings.threads, runner=runner)
    paths, lines = [Path(name) for name in request["images"]], Path(request["folder"]) / DETECTIONS
    head = model_line(session.runtime, sha256_of(model))
    done = _finished(lines, head, [path.name for path in paths])
    file = Appender(lines, head if done == 0 else None)
    stream = detect_stream(contract, lambda: session, paths[done:], upright=False, progress=progress)
    for path, seen in zip(paths[done:], stream):
        file.write(image_line(path.name, seen.size, seen.invoke_ns, seen.result))
    file.close()
    if model_line(session.runtime, sha256_of(model)) != head:
        raise DeviceError(f"{model} was replaced during the run: its results come from two models")
    write_accuracy(Path(request["folder"]) / ACCURACY, _entries(lines, contract))
    return {}


def _finished(path: Path, head: bytes, names: Sequence[str]) -> int:
    """Return how many of the images *names* are in the file at *path*; a truncated last line is removed from it."""
    if not path.is_file():
        return 0
    data = path.read_bytes()
    whole = data[: data.rfind(b"\n") + 1]
    first, *rest = whole.splitlines(keepends=True) or [b""]
    if first != head or [_image_of(path, line) for line in rest] != list(names[: len(rest)]):
        return 0
    with path.open("r+b") as file:
        file.truncate(len(whole))
    return len(rest)


def _image_of(path: Path, line: bytes) -> str:
    try:
        return str(parse_json(line)["image"])
    except (InputError, KeyError, TypeError) as error:
        raise InputError(f"{path} is damaged ({error}); pass --force to measure again") from error


def _entries(lines: Path, contract: Contract) -> Iterator[Record]:
    read = task_kind(contract.task.kind).result.from_record
    with lines.open("rb") as file:
        next(file)
        for index, line in enumerate(file):
            data = read(parse_json(line)).loadgen_data(index)
            if data is not None:
                yield accuracy_entry(index, index, data)
