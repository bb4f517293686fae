"""Finding the source that a user names: a path, an archive to unpack, or a zoo model in the cache."""

from __future__ import annotations

from pathlib import Path

from detlite.convert.files.archive import is_archive
from detlite.convert.files.cache_folder import default_cache_folder
from detlite.convert.rebuild.weights.torch_file import is_torch_file
from detlite.runtime.artifact import sha256_of
from detlite.runtime.errors import InputError, UnknownNameError
from detlite.runtime.progress import Notice, mute


def locate(given: str, *, notice: Notice = mute) -> Path:
    """Return the file or folder to read for *given*; nothing is downloaded.

    *notice* is called with a line if the cache was damaged and is made again.

    Raises:
        InputError: there is no such path or cached zoo model, or the archive is damaged.
    """
    path = Path(given)
    if path.is_file() and is_archive(path) and not is_torch_file(path):
        from detlite.convert.zoo.cache import Cache  # as below: an artifact needs neither

        return Cache(default_cache_folder(), notice).unpacked(path, sha256_of(path), f"{path.name}.tar").folder
    if path.exists():
        return path
    if "/" in given or path.suffix:
        raise InputError(f"{given} does not exist; give a file, a folder, or a name that `detlite zoo list` shows")
    return _cached(given, notice)


def _cached(name: str, notice: Notice) -> Path:
    from detlite.convert.zoo.cache import Cache
    from detlite.convert.zoo.catalogue import find  # the catalogue takes longer to import than a path to look up
    from detlite.convert.zoo.sources import sources_of

    try:
        model = find(name)
    except UnknownNameError as error:
        raise InputError(f"{name} is not a file or folder here, and {error}") from error
    store = Cache(default_cache_folder(), notice)
    for source in sources_of(model, name):
        cached = store.look_up(source)
        if cached is not None:
            return cached.folder / source.folder if source.folder else cached.folder
    raise InputError(f"{model.name} is not downloaded yet: run `detlite zoo fetch {model.name}` first")
