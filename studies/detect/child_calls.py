"""What a child process is asked to do: run a model on images and videos, and draw what it finds.

Results are written to a file, a line of JSON for each image or frame as soon as it is done: a long video needs no more
memory than a short one.
"""

from __future__ import annotations

import io
import json
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from fractions import Fraction
from functools import partial
from itertools import islice
from math import isfinite
from pathlib import Path
from typing import IO, Any

import numpy as np

from detlite.accuracy.scenes import SceneCuts
from detlite.convert.files.write_file import write_file
from detlite.runtime.arrays import Pixels
from detlite.runtime.artifact import Artifact
from detlite.runtime.contract import contract_from_json
from detlite.runtime.errors import ContractError, InputError
from detlite.runtime.image.draw import picture_of
from detlite.runtime.image.read import read_image
from detlite.runtime.progress import Progress
from detlite.runtime.records import from_record
from detlite.runtime.session import Session
from detlite.runtime.stream import WORKERS, ahead
from detlite.runtime.task import RANKED, RANKING, Found, Result
from detlite.runtime.video import VideoAnswer, VideoReader
from detlite.studies.detect.inputs import Input
from detlite.studies.detect.request import DetectRequest
from detlite.studies.detect.results import EncodedMask, ImageResult, Record, VideoResult

FRAMES_TOLD_EVERY = 10


def detect_inputs(record: Record, progress: Progress) -> Record:
    """Detect as the `DetectRequest` in *record* says.

    Returns:
        `runtime`.
    """
    request = from_record(DetectRequest, record)
    artifact = Artifact(request.model, contract_from_json(request.contract), bank=request.bank)
    session = Session(artifact, threads=request.threads)
    with request.out.open("w", encoding="utf-8") as out, ThreadPoolExecutor(WORKERS) as pool:
        run = _Run(session, request, out, pool)
        for begin, group in _runs_of_a_kind(request.inputs):
            if group[0].is_video:
                run.video(group[0], progress)
            else:
                run.images(group, partial(_tell, progress, begin, len(request.inputs)))
    return {"runtime": session.runtime}


def _runs_of_a_kind(inputs: Sequence[Input]) -> Iterator[tuple[int, list[Input]]]:
    """Yield each video alone, and the images between videos together, with the number of inputs before them."""
    group: list[Input] = []
    for number, one in enumerate(inputs):
        if one.is_video:
            if group:
                yield number - len(group), group
            yield number, [one]
            group = []
        else:
            group.append(one)
    if group:
        yield len(inputs) - len(group), group


def _tell(progress: Progress, begin: int, total: int, done: int) -> None:
    progress("images", begin + done, total)


class _Run:
    """One run: an open model, and where its results go."""

    def __init__(self, session: Session, request: DetectRequest, out: IO[str], pool: ThreadPoolExecutor) -> None:
        self._session, self._out, self._pool = session, out, pool
        self._threshold, self._masks, self._video = request.threshold, request.masks, request.video

    def images(self, inputs: list[Input], done: Callable[[int], None]) -> None:
        """Detect in image files: the next ones are read, and the last ones drawn, beside the inference."""
        waiting: list[Future[None]] = []
        pixels = zip(inputs, ahead(self._pool, _read, inputs), strict=True)
        number = 0
        while group := list(islice(pixels, self._session.batch)):
            waiting += self._group(group)
            while len(waiting) > WORKERS:
                waiting.pop(0).result()
            number += len(group)
            done(number)
        for picture in waiting:
            picture.result()

    def _group(self, group: list[tuple[Input, Pixels | InputError]]) -> list[Future[None]]:
        """Detect in the images of *group* in one run, and return the pictures that are being drawn."""
        readable = [image for _one, image in group if not isinstance(image, InputError)]
        results = iter(self._session.run_batch(readable) if readable else ())
        drawn = []
        for one, image in group:
            if isinstance(image, InputError):
                self._write({"image": str(one.path), "error": str(image)})
                continue
            found = next(results)
            result = self._result(found, image, str(one.path))
            self._write(result.whole_record())
            if one.picture is not None:
                drawn.append(self._pool.submit(self._draw, image, result, found, one.picture))
        return drawn

    def video(self, one: Input, progress: Progress) -> None:
        """Detect in every frame of a video; what was decoded of a damaged one is kept, and the damage named."""
        try:
            self._frames(one, progress)
        except ContractError:  # of the model, not of this video
            raise
        except InputError as error:
            self._write({"image": str(one.path), "error": str(error)})
        if one.picture is not None and one.unfinished is not None and one.unfinished.exists():
            one.unfinished.replace(one.picture)

    def _frames(self, one: Input, progress: Progress) -> None:
        from detlite.accuracy.video import at_rate, open_video

        reader = VideoReader(self._session, is_cut=SceneCuts().is_cut if self._video.scenes else None)
        with open_video(one.path) as video:
            rate, frames = video.rate, video.frames
            if self._video.fps is not None:
                rate, frames = (
                    Fraction(self._video.fps).limit_denominator(1000),
                    at_rate(frames, self._video.fps, str(one.path)),
                )
            timed = ((frame.time_s, frame.pixels()) for frame in frames)
            answers = self._each(one, reader.answers_in(timed), progress)
            try:
                if one.unfinished is None:
                    deque(answers, maxlen=0)
                else:
                    self._draw_video(answers, one.unfinished, rate)
            finally:
                self._end(one, reader)

    def _each(
        self, one: Input, answers: Iterator[VideoAnswer], progress: Progress
    ) -> Iterator[tuple[VideoAnswer, ImageResult | None]]:
        for answer in answers:
            result = None
            if answer.result is not None:
                place = {"frame": answer.frame, "time_s": answer.time_s}
                place |= {"first_frame": answer.first_frame, "scene": answer.scene}
                result = self._result(answer.result, answer.pixels, str(one.path), **place)
                self._write(result.whole_record())
            if answer.frame % FRAMES_TOLD_EVERY == 0:
                progress(one.path.name, answer.frame + 1, 0)
            yield answer, result

    def _draw_video(
        self, answers: Iterator[tuple[VideoAnswer, ImageResult | None]], file: Path, rate: Fraction
    ) -> None:
        """Draw each frame to *file* with the last answer that there was when it was shown."""
        from detlite.accuracy.video import VideoWriter

        told: tuple[ImageResult, Result] | None = None
        with closing(VideoWriter(file, rate)) as writer:
            for answer, result in answers:
                if result is not None and answer.result is not None:
                    told = result, answer.result
                drawn = answer.pixels
                if told is not None:
                    drawn = picture_of(drawn, told[0].shown(self._threshold), told[1])
                writer.write(drawn, None if self._video.fps is not None else answer.time_s)

    def _end(self, one: Input, reader: VideoReader) -> None:
        if reader.answers:
            ranking = () if reader.end is None else _finite(reader.end)
            self._write(VideoResult(str(one.path), reader.frames, reader.answers, ranking).whole_record())

    def _result(self, found: Result, image: Pixels, name: str, **place: Any) -> ImageResult:
        things = _finite(found)
        if found.listed == RANKING and place:  # a video has many frames, and nobody reads a thousand classes of each
            things = things[:RANKED]
        masks = _masks(found, things) if self._masks else ()
        return ImageResult(name, image.shape[0], image.shape[1], found.listed, things, masks=masks, **place)

    def _draw(self, image: Pixels, result: ImageResult, found: Result, path: Path) -> None:
        from PIL import Image

        file = io.BytesIO()
        kind = {".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}.get(path.suffix.lower(), "PNG")
        picture = picture_of(image, result.shown(self._threshold), found)
        Image.fromarray(picture).save(file, kind, quality=92)
        write_file(path, file.getvalue())

    def _write(self, record: Record) -> None:
        self._out.write(json.dumps(record, allow_nan=False) + "\n")


def _read(one: Input) -> Pixels | InputError:
    try:
        return read_image(one.path, upright=one.upright)
    except InputError as error:
        return error


def _masks(result: Result, found: Sequence[Found]) -> tuple[EncodedMask, ...]:
    """Return the pixels of each of *found*, all of *result*; nothing if it knows no more than boxes."""
    from faster_coco_eval import mask

    encoded = []
    for place, one in enumerate(found):
        pixels = result.area(place, one)
        if pixels is None:
            return ()
        counts = mask.encode(np.asfortranarray(pixels.astype(np.uint8)))["counts"]
        encoded.append(EncodedMask(pixels.shape[0], pixels.shape[1], counts.decode("ascii")))
    return tuple(encoded)


def _finite(result: Result) -> tuple[Found, ...]:
    found = tuple(result.above(0.0))
    numbers = (value for one in found for value in (one.score, *(one.box or ())))
    places = (value for one in found for point in one.points for value in (point.y, point.x, point.score))
    if not all(map(isfinite, (*numbers, *places))):
        raise ContractError("the model returned boxes or scores that are not finite numbers: convert it again")
    return found
