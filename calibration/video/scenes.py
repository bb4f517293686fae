"""The scenes of videos: what a stream begins with, and what a clip is cut from."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np

from detlite.accuracy.scenes import SceneCuts
from detlite.accuracy.video import Frame, UnreadableVideoError, none_readable, open_video
from detlite.calibration.images.choice import brightness_strata, content_strata, stratified
from detlite.calibration.images.thumbnail import SIDE
from detlite.runtime.arrays import Pixels
from detlite.runtime.errors import InputError
from detlite.runtime.progress import Progress, silent

SMALL = 4 * SIDE
"""Pixels of the sides that a frame is looked at with."""

SHORTEST, LONGEST = 10, 300
"""Frames of a scene: a flash is none, and what goes on for longer is cut into several."""

MOST_FRAMES = 20_000
"""Frames that are looked at in all videos together: from each its beginning, so that hours of video take minutes."""

LOOKED_AT = 4
"""Videos that are looked at, as a multiple of the scenes that are wanted."""


@dataclass(frozen=True, eq=False)
class Scene:
    """Frames of a video that belong together.

    Attributes:
        path: of the video.
        begin: the number of its first frame, from 0.
        count: how many frames it has.
        look: uint8 (32, 32, 3), RGB: a thumbnail of its first frame.
    """

    path: Path
    begin: int
    count: int
    look: Pixels


class ChosenScenes(NamedTuple):
    """Scenes in the videos' order, and why each of the videos that were looked at and left out cannot be read."""

    scenes: list[Scene]
    unread: tuple[str, ...]


def chosen_scenes(paths: Sequence[Path], count: int, seed: int, *, progress: Progress = silent) -> ChosenScenes:
    """Return at most *count* scenes of the videos *paths*, chosen by content with *seed*.

    Raises:
        InputError: no video can be read.
        MissingToolError: PyAV is not installed.
    """
    # S311: a seeded choice must be repeatable, and need not be secret
    order = random.Random(seed).sample(range(len(paths)), min(len(paths), LOOKED_AT * count))  # noqa: S311
    each = max(MOST_FRAMES // len(order), LONGEST)
    found, unread = list[Scene](), list[str]()
    for done, number in enumerate(sorted(order), 1):
        try:
            found += _scenes(paths[number], each)
        except UnreadableVideoError as error:
            unread.append(str(error))
        progress("videos looked at", done, len(order))
    if not found:
        raise InputError(none_readable(unread))
    looks = np.stack([scene.look for scene in found])
    taken = stratified(content_strata(looks, count) | brightness_strata(looks), count, seed)
    return ChosenScenes([found[place] for place in sorted(taken)], tuple(unread))


def _scenes(path: Path, most: int) -> Sequence[Scene]:
    """Return the scenes in the first *most* frames of the video *path*."""
    begins, looks, cuts, number = [0], list[Pixels](), SceneCuts(), 0
    with open_video(path) as video:
        for number, frame in enumerate(islice(video.frames, most)):
            small = _small(frame)
            is_cut = cuts.is_cut(small)
            if is_cut and number - begins[-1] >= SHORTEST:
                begins.append(number)
            if len(looks) < len(begins):
                looks.append(_look(small))
    scenes: list[Scene] = []
    for begin, end, look in zip(begins, [*begins[1:], number + 1], looks, strict=True):
        parts = max(1, (end - begin) // LONGEST)
        edges = [begin + (end - begin) * part // parts for part in range(parts + 1)]
        scenes += (Scene(path, one, other - one, look) for one, other in pairwise(edges))
    return scenes


def _small(frame: Frame) -> Pixels:
    small: Pixels = frame.decoded.reformat(width=SMALL, height=SMALL, format="rgb24", interpolation="AREA").to_ndarray()
    return small


def _look(small: Pixels) -> Pixels:
    means = small.reshape(SIDE, SMALL // SIDE, SIDE, SMALL // SIDE, 3).mean(axis=(1, 3))
    look: Pixels = np.rint(means).astype(np.uint8)
    return look


def frames_of(scenes: Sequence[Scene]) -> Iterator[tuple[int, int, Frame]]:
    """Yield the frames of *scenes*, which are in the videos' order: the place of the scene, the frame's number in it.

    Each video is decoded once, up to its last scene. Errors as `chosen_scenes`.
    """
    for path in dict.fromkeys(scene.path for scene in scenes):
        here = [place for place, scene in enumerate(scenes) if scene.path == path]
        with open_video(path) as video:
            for number, frame in enumerate(video.frames):
                while here and number >= scenes[here[0]].begin + scenes[here[0]].count:
                    del here[0]
                if not here:
                    break
                if number >= scenes[here[0]].begin:
                    yield here[0], number - scenes[here[0]].begin, frame
