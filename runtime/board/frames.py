"""`board.pyz detect --frames`: the images are the frames of one video, in their order.

A board has no decoder of videos. It takes image files, folders of them, .npy files of several frames, and raw frames,
as `ffmpeg -i clip.mp4 -pix_fmt rgb24 clip.426x240.rgb` writes them; one frame is in memory at a time.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple

import numpy as np

from detlite.runtime.arrays import Pixels
from detlite.runtime.errors import InputError
from detlite.runtime.image.files import folder_images
from detlite.runtime.image.read import DAMAGED_ARRAY, HEADERS, MAX_PIXELS, read_image
from detlite.runtime.session import Session
from detlite.runtime.video import VideoAnswer, VideoReader

Record = Dict[str, Any]


def names_of(paths: Sequence[Path]) -> List[Path]:
    """Return a name for each frame in *paths*: of its file, or of its number in a file of several.

    Raises:
        InputError: a file or folder cannot be read.
    """
    names: List[Path] = []
    for path in paths:
        if path.is_dir():
            names += folder_images(path).paths
            continue
        count = _count(path)
        names += [path] if count is None else [path.with_name(f"{path.stem}-{n:06d}.png") for n in range(count)]
    return names


def answers_in(session: Session, paths: Sequence[Path]) -> Tuple[VideoReader, Iterator[VideoAnswer]]:
    """Return what runs the model of *session* over the frames in *paths*, and its answers."""
    reader = VideoReader(session)
    return reader, reader.answers_in((None, pixels) for pixels in frames_in(paths))


def video_record(name: str, reader: VideoReader, best: Sequence[Record]) -> Record:
    """Return what JSON says of the whole video *name*, with the *best* classes at its end."""
    ranking = {"ranking": list(best)} if best else {}
    return {"video": name, "frames": reader.frames, "answers": reader.answers, **ranking}


def frames_in(paths: Sequence[Path]) -> Iterator[Pixels]:
    """Yield the frames in *paths*, uint8 (height, width, 3), one after the other; errors as `names_of`."""
    for path in paths:
        yield from _frames(path)


def _frames(path: Path) -> Iterator[Pixels]:
    if path.is_dir():
        for file in folder_images(path).paths:
            yield read_image(file)
        return
    count = _count(path)
    if count is None:
        yield read_image(path)
    elif path.suffix.lower() == ".npy":
        whole = _array(path)
        for number in range(count):
            yield np.ascontiguousarray(whole[number])
    else:
        width, height = _raw_size(path)
        with path.open("rb") as raw:
            for _ in range(count):
                yield np.frombuffer(raw.read(3 * width * height), np.uint8).reshape(height, width, 3)


def _count(path: Path) -> Optional[int]:
    """Return the number of frames in a file of several; None for the file of one image."""
    suffix = path.suffix.lower()
    if suffix == ".npy":
        whole = _array(path)
        return len(whole) if whole.ndim == 4 else None
    if suffix != ".rgb":
        return None
    width, height = _raw_size(path)
    count, rest = divmod(path.stat().st_size, 3 * width * height)
    if rest or not count:
        raise InputError(f"{path} has {path.stat().st_size} bytes: no whole number of frames of {width} x {height}")
    return None if count == 1 else count


def _raw_size(path: Path) -> Tuple[int, int]:
    match = re.search(r"\.(\d{1,5})x(\d{1,5})$", path.stem)
    size = (0, 0) if match is None else (int(match[1]), int(match[2]))
    if not 0 < size[0] * size[1] <= MAX_PIXELS:
        raise InputError(f"{path} does not say its size: want a name such as clip.640x480.rgb (width x height)")
    return size


def _array(path: Path) -> Any:
    """Return the array in a .npy file, which stays on the disk until its frames are used."""
    try:
        with HEADERS:
            whole = np.load(path, mmap_mode="r", allow_pickle=False)
    except DAMAGED_ARRAY as error:
        raise InputError(f"{path} is no .npy of frames: {' '.join(str(error).split())[:200]}") from error
    if whole.dtype != np.uint8 or whole.ndim not in (3, 4) or whole.shape[-1] != 3 or 0 in whole.shape:
        raise InputError(f"{path} holds {whole.dtype} {whole.shape}; want uint8 (frames, height, width, 3), RGB")
    return whole
