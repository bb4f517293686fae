"""`board.pyz detect`: run a model on images."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Tuple

from detlite.runtime.arrays import Pixels
from detlite.runtime.board.packed import Packed, find_model, open_model
from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError
from detlite.runtime.hashing import sha256_of
from detlite.runtime.image.read import read_image
from detlite.runtime.inputs import Size
from detlite.runtime.model_file import is_model_file, model_in
from detlite.runtime.printable import printable
from detlite.runtime.session import Session
from detlite.runtime.task import RANKED, Found, Result, shown

Record = Dict[str, Any]


class NamedResult(NamedTuple):
    """An image, its (height, width), and the model's result; of a frame, its `frame`, and a window's `first_frame`."""

    name: str
    size: Size
    result: Result
    place: Optional[Record] = None

    def shown(self, threshold: float) -> Tuple[Found, ...]:
        """Return what is listed and drawn; see `detlite.runtime.task.shown`."""
        return shown(tuple(self.result.above(0.0)), self.result.listed, threshold)


def detect_command(values: Dict[str, Any], hashes: Iterator[Any]) -> int:
    """Run the command with the options *values*, write the result to stdout, and return the exit status.

    *hashes* yields the path and the sha256 of the model, if they are computed elsewhere.
    """
    if values["lines"] and values["draw"] is not None:
        raise InputError("--lines writes each result and no picture: leave out --lines or --draw")
    if values["lines"] and values["frames"]:
        raise InputError("--lines writes results of images, not of frames: leave out --lines or --frames")
    with Packed() as packed:
        session, model, paths = _opened(packed, values, lambda path: _sha256(path, hashes))
        if values["lines"]:
            write_lines(session, model, paths)
            return 0
        found, videos = (
            _detect_frames(session, paths, values) if values["frames"] else (_all(session, paths, values), [])
        )
        is_packed = packed.model is not None and packed.model in model.parents
    if values["as_json"]:
        record = _record(found, values["score_threshold"], session.runtime, model.name if is_packed else str(model))
        record.update({"videos": videos} if videos else {})
        sys.stdout.write(json.dumps(record, indent=1) + "\n")
    else:
        sys.stdout.write(printable(_text(found, values["score_threshold"]) + _end_text(videos)))
    return 0


def _sha256(path: Path, hashes: Iterator[Any]) -> str:
    known = next(hashes, None)
    return str(known[1]) if known is not None and Path(known[0]) == path else sha256_of(path)


def _opened(packed: Packed, values: Dict[str, Any], sha256: Callable[[Path], str]) -> Tuple[Session, Path, List[Path]]:
    """Return the open model, its file, and the images."""
    images: List[str] = values["images"]
    given = values["model"]
    if packed.model is not None and given is not None and not _is_model(Path(given)):
        images, given = [given, *images], None  # the model is packed: every argument is an image
    artifact = open_model(find_model(given, packed), sha256=sha256)
    if values["bank"] is not None:
        from detlite.runtime.bank_file import with_bank

        artifact = with_bank(artifact, Path(values["bank"]))
    paths = [Path(name) for name in [*images, *_listed(values["listed"])]]
    if not paths and packed.images is not None:
        paths = sorted(packed.images.iterdir())
    if not paths:
        raise InputError("want at least one image to detect in")
    return Session(artifact, threads=values["threads"], runner=_runner(artifact, values)), artifact.model, paths


def _is_model(path: Path) -> bool:
    return model_in(path) is not None if path.is_dir() else is_model_file(path)


def _all(session: Session, paths: List[Path], values: Dict[str, Any]) -> List[NamedResult]:
    found, draw = [], _drawing(paths, values)
    for path in paths:
        image = read_image(path)
        name = str(path) if values["images"] else path.name
        one = NamedResult(name, (image.shape[0], image.shape[1]), session.run(image))
        draw(image, one)
        found.append(one)
    return found


def _drawing(paths: List[Path], values: Dict[str, Any]) -> Callable[[Pixels, Optional[NamedResult]], None]:
    """Return what draws the next of *paths* with a result, if pictures are asked for."""
    if values["draw"] is None:
        return lambda _image, _one: None
    from detlite.runtime.board.draw import picture_files, write_picture

    pictures = iter(picture_files(paths, Path(values["draw"]), force=values["force"]))

    def draw(image: Pixels, one: Optional[NamedResult]) -> None:
        file = next(pictures)
        if one is not None:  # a window answers at its last frame
            write_picture(file, image, one.shown(values["score_threshold"]), one.result)

    return draw


def _detect_frames(
    session: Session, paths: List[Path], values: Dict[str, Any]
) -> Tuple[List[NamedResult], List[Record]]:
    """Return the results of the frames in *paths*, and what is said of the whole."""
    from detlite.runtime.board.frames import answers_in, names_of, video_record

    draw = _drawing(names_of(paths) if values["draw"] is not None else [], values)
    name, found = " ".join(map(str, paths)), []
    reader, answers = answers_in(session, paths)
    for answer in answers:
        one = None
        if answer.result is not None:
            size = (answer.pixels.shape[0], answer.pixels.shape[1])
            place = {"frame": answer.frame, "time_s": None}
            place.update({} if answer.first_frame is None else {"first_frame": answer.first_frame})
            one = NamedResult(name, size, answer.result, place)
            found.append(one)
        draw(answer.pixels, one)
    best = [] if reader.end is None else [item.to_record() for item in list(reader.end.above(0.0))[:RANKED]]
    return found, [video_record(name, reader, best)]


def _end_text(videos: List[Record]) -> str:
    lines = []
    for video in videos:
        lines.append(
            f"{video['video']}: {counted(video['frames'], 'frame')}, {counted(video['answers'], 'answer')}; at the end"
        )
        lines += [f"  {item['score']:.3f}  {item['label']}" for item in video.get("ranking", ())]
    return "".join(f"{line}\n" for line in lines)


def write_lines(session: Session, model: Path, paths: List[Path]) -> None:
    """Write a line about the model, then one per image as soon as it is done; see `result_lines`."""
    from detlite.runtime.result_lines import image_line, model_line

    _write_line(model_line(session.runtime, sha256_of(model)))
    for path in paths:
        image = read_image(path, upright=False)  # what is scored by labels is read as stored
        tensor, size = session.preprocess(image), (image.shape[0], image.shape[1])
        begin = time.perf_counter_ns()
        session.invoke(tensor, size)
        invoke_ns = time.perf_counter_ns() - begin
        found = session.postprocess(session.heads(), size)
        _write_line(image_line(path.name, size, invoke_ns, found))


def _write_line(line: bytes) -> None:
    sys.stdout.write(line.decode())
    sys.stdout.flush()


def _listed(name: Optional[str]) -> List[str]:
    if name is None:
        return []
    try:
        return Path(name).read_text(encoding="utf-8").split("\n")[:-1]
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{name} cannot be read as a list of images: {error}") from error


def _runner(artifact: Any, values: Dict[str, Any]) -> Any:
    """Return the runner of the requested back end; None for the installed interpreter."""
    if values["backend"] is None and not values["delegates"] and values["xnnpack"] is None:
        return None
    from detlite.runtime.runners.backend import Settings, backend_for

    settings = Settings(values["threads"], values["xnnpack"], tuple(values["delegates"]))
    name, backend = backend_for(artifact.model, values["backend"])
    if backend.open is None:
        raise InputError(f"{name} runs no model: it only reads another program's measurements")
    return backend.open(artifact.model, settings, artifact.contract)


def _record(found: List[NamedResult], score: float, runtime: str, model: str) -> Record:
    """Return what `--json` writes, in the shape that `detlite detect --json` has too."""
    return {
        "schema": "detlite.detections",
        "schema_version": 1,
        "model": model,
        "runtime": runtime,
        "orientation": "upright",
        "score_threshold": score,
        "images": [_image_record(one, score) for one in found],
        "unread": [],  # an image that cannot be read ends the program
    }


def _image_record(one: NamedResult, score: float) -> Record:
    listed = [item.to_record() for item in one.shown(score)]
    return {
        "image": one.name,
        **(one.place or {}),
        "height": one.size[0],
        "width": one.size[1],
        one.result.listed: listed,
    }


def _text(found: List[NamedResult], score: float) -> str:
    lines = []
    for one in found:
        listed = one.shown(score)
        frame = f", frame {one.place['frame']}" if one.place else ""
        lines.append(f"{one.name}{frame}: {len(listed)} {one.result.listed} (y1, x1, y2, x2 of the image)")
        for item in listed:
            box = "of the image" if item.box is None else " ".join(f"{side:.3f}" for side in item.box)
            lines.append(f"  {item.score:.3f}  {box}  {item.label}")
    return "\n".join(lines) + "\n"
