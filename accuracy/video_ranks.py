"""What a model of video says of a list of videos, frame by frame or clip by clip, in a process of its own."""

from __future__ import annotations

import tempfile
import time
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detlite.accuracy.classification import RankedVideos, logits_of
from detlite.accuracy.video import Frame, UnreadableVideoError, count_frames, none_readable, open_video
from detlite.accuracy.views import Prepared, Views, clips_of, prepared
from detlite.runtime.arrays import Doubles, Floats
from detlite.runtime.artifact import Artifact
from detlite.runtime.child import run_in_child
from detlite.runtime.contract import contract_from_json
from detlite.runtime.errors import InputError
from detlite.runtime.inputs import Size
from detlite.runtime.progress import Progress, silent
from detlite.runtime.records import from_record, to_record
from detlite.runtime.session import Session
from detlite.runtime.tasks.classification import Classification, Ranking

MOST_LOGITS = 1 << 24
"""How many are kept of all answers together: 64 MB."""

MOST_ANSWERS = 1024
"""Of a video, whose logits are kept."""

Record = dict[str, Any]


@dataclass(frozen=True)
class VideosRequest:
    """One run: *model* with its *contract*, as JSON, over *videos* by *views*; the columns go to *out* (.npz)."""

    model: Path
    contract: str
    videos: tuple[Path, ...]
    views: Views
    threads: int
    out: Path


class SpacedRows:
    """At most a number of the rows that come, evenly spaced: whenever they are too many, every second is dropped.

    Which rows are kept depends on their number alone, so that the rows of two models are of the same answers.
    """

    def __init__(self, most: int) -> None:
        """Keep at most *most* rows."""
        self._most, self._stride, self._seen = most, 1, 0
        self.kept: list[Floats] = []

    def add(self, row: Floats | Doubles) -> None:
        """Keep *row*, or not."""
        if self._seen % self._stride == 0:
            if len(self.kept) == self._most:
                self.kept, self._stride = self.kept[::2], 2 * self._stride
            if self._seen % self._stride == 0:
                self.kept.append(row.astype(np.float32))
        self._seen += 1


@dataclass(eq=False)
class VideoRanks:
    """What is known of one video while it is read: a few bytes for each answer.

    Attributes:
        total: float64, (classes,): the scores of the views, summed.
        views: how many.
        size: (height, width) of its frames, in pixels.
        invoke_ns: time of the interpreter alone.
        classes: the best class of each answer.
        margins: by how much its logit is over the next one's.
        logits: of answers that are evenly spaced.
    """

    total: Doubles | None = None
    views: int = 0
    size: Size = (0, 0)
    invoke_ns: int = 0
    classes: array[int] = field(default_factory=lambda: array("i"))
    margins: array[float] = field(default_factory=lambda: array("f"))
    logits: SpacedRows = field(default_factory=lambda: SpacedRows(MOST_ANSWERS))

    def answer(self, ranking: Ranking, converter: str) -> None:
        """Count one answer, whose scores the *converter* of the contract made."""
        self.classes.append(ranking.best(1)[0])
        logits = logits_of(ranking.scores, converter) if ranking.logits is None else ranking.logits
        self.margins.append(margin(logits))
        self.logits.add(logits)

    def view(self, ranking: Ranking) -> None:
        """Count the last answer of a view."""
        scores = ranking.scores.astype(np.float64)
        self.total = scores if self.total is None else self.total + scores
        self.views += 1

    @property
    def scores(self) -> Doubles:
        """The mean over the views."""
        assert self.total is not None
        return self.total / self.views


def margin(logits: Floats | Doubles) -> float:
    """Return by how much the best class's logit exceeds the next one's; infinite if there is no other class."""
    best = np.sort(logits)[-2:]
    return float(best[1] - best[0]) if len(best) == 2 else float("inf")


def predict_videos(
    artifact: Artifact, videos: Sequence[Path], views: Views, *, threads: int = 1, progress: Progress = silent
) -> RankedVideos:
    """Return what *artifact* says of *videos*, by *views*.

    Videos that cannot be read are left out, and named.

    Raises:
        InputError: no video can be read, or the model takes no such clips.
        DeviceError: the interpreter crashed.
        MissingToolError: PyAV is not installed.
    """
    views.clip_for(artifact.contract)
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch) / "ranks.npz"
        request = VideosRequest(artifact.model, artifact.contract.to_json(), tuple(videos), views, threads, out)
        begin = time.perf_counter()
        answer = run_in_child("detlite.accuracy.video_ranks:rank_videos", to_record(request), progress=progress)
        wall_s = time.perf_counter() - begin
        with np.load(out) as columns:
            known = {name: columns[name] for name in columns.files}
    return RankedVideos(
        **known, wall_s=wall_s, runtime=answer["runtime"], views=to_record(views), unread=tuple(answer["unread"])
    )


def rank_videos(record: Record, progress: Progress) -> Record:
    """Run the `VideosRequest` in *record*.

    Returns:
        `runtime`.
    """
    request = from_record(VideosRequest, record)
    session = Session(Artifact(request.model, contract_from_json(request.contract)), threads=request.threads)
    found, is_read, unread = list[VideoRanks](), list[bool](), list[str]()
    most = MOST_LOGITS // (len(request.videos) * max(1, len(session.contract.labels)))
    for done, path in enumerate(request.videos, 1):
        try:
            found.append(ranks_of(session, path, request.views, min(max(1, most), MOST_ANSWERS)))
            is_read.append(True)
        except UnreadableVideoError as error:
            unread.append(str(error))
            is_read.append(False)
        progress("videos", done, len(request.videos))
    if not found:
        raise InputError(none_readable(unread))
    np.savez(request.out, allow_pickle=False, is_read=np.array(is_read), **_columns(found))
    return {"runtime": session.runtime, "unread": unread}


def _columns(found: Sequence[VideoRanks]) -> dict[str, NDArray[Any]]:
    return {
        "scores": np.stack([one.scores for one in found]).astype(np.float32),
        "sizes": np.array([one.size for one in found], np.int64),
        "invoke_ns": np.array([one.invoke_ns for one in found], np.int64),
        "answers": np.array([len(one.classes) for one in found], np.int64),
        "answer_classes": np.concatenate([np.array(one.classes, np.int32) for one in found]),
        "answer_margins": np.concatenate([np.array(one.margins, np.float32) for one in found]),
        "logit_counts": np.array([len(one.logits.kept) for one in found], np.int64),
        "answer_logits": np.concatenate([np.stack(one.logits.kept) for one in found]),
    }


def ranks_of(session: Session, path: Path, views: Views, most: int = MOST_ANSWERS) -> VideoRanks:
    """Return what the model of *session* says of the video *path*, with the logits of at most *most* answers.

    Raises:
        UnreadableVideoError: it is damaged or no video.
        InputError: as `predict_videos`.
    """
    clip = views.clip_for(session.contract)
    run = _Run(session, views, most)
    clips = () if clip is None else views.cut(count_frames(path), clip)
    for place in views.places:
        with open_video(path) as video:
            frames = run.prepared(video.frames, place)
            if clip is None:
                run.stream(frames)
                continue
            for one in clips_of(frames, clips):
                run.stream(iter(one)) if session.contract.is_stream else run.clip(one)
    return run.ranks


class _Run:
    """A model that is run over the views of one video."""

    def __init__(self, session: Session, views: Views, most: int) -> None:
        task = session.contract.task
        if not isinstance(task, Classification):
            raise InputError("the model finds no classes of a whole frame: videos score classifiers")
        self._session, self._views, self._converter = session, views, task.score_converter
        self.ranks = VideoRanks(logits=SpacedRows(most))

    def prepared(self, frames: Iterator[Frame], place: int) -> Iterator[Prepared]:
        """Yield *frames* as the model takes them, cropped at *place*."""
        for frame in frames:
            pixels = frame.pixels()
            self.ranks.size = (pixels.shape[0], pixels.shape[1])
            yield prepared(pixels, self._session.contract, place)

    def stream(self, frames: Iterator[Prepared]) -> None:
        """Run a stream over *frames*, one after the other."""
        self._session.reset()
        has_axis = self._session.contract.inputs[0].kind == "clip"
        ranking = None
        for frame in frames:
            ranking = self._answer(np.stack([frame], axis=1) if has_axis else frame)
        if ranking is not None:
            self.ranks.view(ranking)

    def clip(self, frames: list[Prepared]) -> None:
        """Run a model of clips on *frames*."""
        self._session.reset()
        self.ranks.view(self._answer(np.stack(frames, axis=1)))

    def _answer(self, tensor: Prepared) -> Ranking:
        begin = time.perf_counter_ns()
        self._session.invoke(tensor)
        self.ranks.invoke_ns += time.perf_counter_ns() - begin
        found = self._session.finish(self.ranks.size)
        assert isinstance(found, Ranking)  # as the task has them
        self.ranks.answer(found, self._converter)
        return found
